"""The errors that Auth0 names and no RFC does."""

from dataclasses import dataclass
from typing import Any

from chalicelib.errors.root import WireError


class AccessDenied(WireError):
    """The access that the request names is not for this caller; Auth0's word for it."""

    error, status = "access_denied", 403


class InteractionRequired(WireError):
    """A rule redirects the user, which a token endpoint cannot do; Auth0's word for it."""

    error, status = "interaction_required", 403


class MfaRequired(WireError):
    """The password was right, and a second factor is owed; Auth0's word for it."""

    error, status = "mfa_required", 403

    def __init__(self, mfa_token: str, requirements: dict[str, list[dict[str, str]]]) -> None:
        """mfa_token: for the MFA grants. requirements: the factors to challenge, or to enrol."""
        super().__init__("Multifactor authentication required", event="mfar")
        self._members = {"mfa_token": mfa_token, "mfa_requirements": requirements}

    @property
    def members(self) -> dict[str, Any]:
        """The mfa_token, and the factors to use it with."""
        return self._members


class ExpiredToken(WireError):
    """The mfa_token has expired; Auth0's word for it."""

    error, status = "expired_token", 401


class UnsupportedChallengeType(WireError):
    """The user has no second factor of these types; Auth0's word for it."""

    error, status = "unsupported_challenge_type", 400


class InvalidAuthenticator(WireError):
    """The user has no such authenticator; Auth0's word for it."""

    error, status = "invalid_authenticator", 400


class Unauthorized(WireError):
    """The user is blocked; Auth0's word for it."""

    error, status = "unauthorized", 403


class PasswordLeaked(WireError):
    """The password is right, and known from a breach; Auth0's word for it."""

    error, status = "password_leaked", 401

    def __init__(self) -> None:
        super().__init__(
            "This login has been blocked because your password was disclosed in a data breach.", event="pwd_leak"
        )


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The limit that was reached. limit: attempts. resets_at: when one more is allowed, epoch seconds."""

    limit: int
    resets_at: int


class TooManyAttempts(WireError):
    """The limit of attempts was reached. retry_after_s: whole seconds until one more is allowed."""

    error, status = "too_many_attempts", 429

    def __init__(
        self, description: str, *, retry_after_s: int, event: str, rate_limit: RateLimit | None = None
    ) -> None:
        """event: limit_wc for an account, limit_mu for an address."""
        super().__init__(description, event=event)
        self.retry_after_s = retry_after_s
        self.rate_limit = rate_limit

    @property
    def headers(self) -> dict[str, str]:
        """The Retry-After header, and Auth0's of the limit that was reached."""
        retry_after = {"Retry-After": str(self.retry_after_s)}
        if self.rate_limit is None:
            return retry_after
        return retry_after | {
            "X-RateLimit-Limit": str(self.rate_limit.limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(self.rate_limit.resets_at),
        }
