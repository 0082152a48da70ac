"""Every error that leaves the server, as one tree. What is private goes into `reason`, which only the log reads.

WireError
├── InvalidRequest 400
│   ├── RequestTooLarge 413
│   └── UnsupportedMediaType 415
├── InvalidClient 401
├── InvalidGrant 400
├── InvalidTarget 400
├── InvalidScope 400
├── UnauthorizedClient 400
├── UnsupportedGrantType 400
├── UnsupportedTokenType 400
├── InvalidToken 401
├── ExpiredToken 401
├── AuthorizationPending 400
├── SlowDown 400
├── UnsupportedChallengeType 400
├── InvalidAuthenticator 400
├── PasswordLeaked 401
├── InsufficientScope 403
├── AccessDenied 403
├── InteractionRequired 403
├── MfaRequired 403
├── Unauthorized 403
├── NotFound 404
├── MethodNotAllowed 405
├── TooManyAttempts 429
├── ServerError 500
└── TemporarilyUnavailable 503
"""

from dataclasses import dataclass
from typing import Any, ClassVar

DESCRIPTION_LIMIT = 300
ECHO_LIMIT = 100


def printable(text: str, limit: int = DESCRIPTION_LIMIT) -> str:
    """Return text cut to limit characters, with `?` for all that an error_description must not hold.

    Source: RFC 6749 5.2 (printable ASCII without the double quote and the backslash).
    """
    return "".join(char if " " <= char <= "~" and char not in '"\\' else "?" for char in text[:limit])


def echo(value: str) -> str:
    """Return what may be repeated of a value off the wire inside a description: short and printable."""
    return printable(value, ECHO_LIMIT)


class WireError(Exception):
    """The root: a wire code, a status, words that are safe to send, and a reason for the log alone.

    description: sent as error_description. reason: logged, never sent; it must hold no secret either.
    event: the Auth0 log code of this outcome, or "" for the endpoint's usual one.
    Source: RFC 6749 5.2; docs/adr/0007.
    """

    error: ClassVar[str]
    status: ClassVar[int]

    def __init__(self, description: str, *, reason: str = "", event: str = "") -> None:
        """Keep the public words apart from the private reason."""
        super().__init__(description)
        self.description = printable(description)
        self.reason = reason or self.description
        self.event = event

    @property
    def headers(self) -> dict[str, str]:
        """Headers that this error adds to its response."""
        return {}

    @property
    def members(self) -> dict[str, Any]:
        """Members that this error adds to its body."""
        return {}


def is_refusal(failure: Exception) -> bool:
    """Whether a failure is an answer that a retry would get again, and no fault of ours."""
    return isinstance(failure, WireError) and failure.status < ServerError.status


class InvalidRequest(WireError):
    """The request is malformed. Source: RFC 6749 5.2."""

    error, status = "invalid_request", 400


class RequestTooLarge(InvalidRequest):
    """The body is over the limit. Source: RFC 9110 15.5.14."""

    status = 413


class UnsupportedMediaType(InvalidRequest):
    """The body is compressed, or encoded otherwise. Source: RFC 9110 15.5.16."""

    status = 415

    @property
    def headers(self) -> dict[str, str]:
        """The Accept-Encoding header: as it is, and in no other coding."""
        return {"Accept-Encoding": "identity"}


class InvalidClient(WireError):
    """Client authentication failed; says nothing of why. Source: RFC 6749 5.2."""

    error, status = "invalid_client", 401

    def __init__(self, *, reason: str) -> None:
        super().__init__("Client authentication failed.", reason=reason)


class InvalidGrant(WireError):
    """The password, code or token of the request proves nobody. Source: RFC 6749 5.2."""

    error, status = "invalid_grant", 400


class InvalidTarget(WireError):
    """The audience is unknown. Source: RFC 8707 2."""

    error, status = "invalid_target", 400


class UnauthorizedClient(WireError):
    """The client lacks the grant. Source: RFC 6749 5.2."""

    error, status = "unauthorized_client", 400


class UnsupportedGrantType(WireError):
    """No grant of that name exists here. Source: RFC 6749 5.2."""

    error, status = "unsupported_grant_type", 400


class InvalidScope(WireError):
    """More is asked than was granted before. Source: RFC 6749 5.2, 6."""

    error, status = "invalid_scope", 400


class UnsupportedTokenType(WireError):
    """A token of this kind cannot be revoked. Source: RFC 7009 2.2.1."""

    error, status = "unsupported_token_type", 400


class InvalidToken(WireError):
    """The access token is missing, malformed, over or not ours. Source: RFC 6750 3.1."""

    error, status = "invalid_token", 401

    def __init__(self, *, reason: str, is_missing: bool = False) -> None:
        """is_missing: whether none was sent; the challenge says nothing of an error then."""
        super().__init__(
            "The access token is missing." if is_missing else "The access token is invalid.", reason=reason
        )
        self.is_missing = is_missing

    @property
    def headers(self) -> dict[str, str]:
        """The Bearer challenge."""
        error = "" if self.is_missing else f', error="{self.error}", error_description="{self.description}"'
        return {"WWW-Authenticate": f'Bearer realm="gatehouse"{error}'}


class InsufficientScope(WireError):
    """The access token lacks a scope. Source: RFC 6750 3.1."""

    error, status = "insufficient_scope", 403

    def __init__(self, scope: str) -> None:
        """scope: the one that is needed."""
        super().__init__(f"The access token lacks the scope {scope}.")
        self.scope = scope

    @property
    def headers(self) -> dict[str, str]:
        """The Bearer challenge."""
        return {"WWW-Authenticate": f'Bearer realm="gatehouse", error="{self.error}", scope="{self.scope}"'}


class AccessDenied(WireError):
    """The access that the request names is not for this caller; Auth0's word for it."""

    error, status = "access_denied", 403


class InteractionRequired(WireError):
    """A rule wants to send the person elsewhere, which a token endpoint cannot; Auth0's word for it."""

    error, status = "interaction_required", 403


class MfaRequired(WireError):
    """The password was right, and a second factor is owed; Auth0's word for it."""

    error, status = "mfa_required", 403

    def __init__(self, mfa_token: str, requirements: dict[str, list[dict[str, str]]]) -> None:
        """mfa_token: what the MFA grants take. requirements: which factors there are to challenge, or to enroll."""
        super().__init__("Multifactor authentication required", event="mfar")
        self._members = {"mfa_token": mfa_token, "mfa_requirements": requirements}

    @property
    def members(self) -> dict[str, Any]:
        """The mfa_token, and what can be done with it."""
        return self._members


class ExpiredToken(WireError):
    """The mfa_token is over; Auth0's word for it."""

    error, status = "expired_token", 401


class AuthorizationPending(WireError):
    """The second factor was not shown yet. Source: RFC 8628 3.5."""

    error, status = "authorization_pending", 400


class SlowDown(WireError):
    """It was asked for too often. Source: RFC 8628 3.5."""

    error, status = "slow_down", 400


class UnsupportedChallengeType(WireError):
    """The person has no second factor of these; Auth0's word for it."""

    error, status = "unsupported_challenge_type", 400


class InvalidAuthenticator(WireError):
    """The person has no such authenticator; Auth0's word for it."""

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


class NotFound(WireError):
    """No such path."""

    error, status = "not_found", 404


class MethodNotAllowed(WireError):
    """The path exists, the method does not. Source: RFC 9110 15.5.6."""

    error, status = "method_not_allowed", 405

    def __init__(self, allowed: tuple[str, ...], why: str = "") -> None:
        """allowed: the methods that the path takes. why: a sentence for those who expected another."""
        super().__init__(f"This path takes {', '.join(allowed)} only. {why}".rstrip())
        self.allowed = allowed

    @property
    def headers(self) -> dict[str, str]:
        """The Allow header."""
        return {"Allow": ", ".join(self.allowed)}


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The limit that was reached. limit: attempts. resets_at: epoch seconds from when on another one is let through."""

    limit: int
    resets_at: int


class TooManyAttempts(WireError):
    """Guessing was stopped. retry_after_s: whole seconds until another try is worth making."""

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


class ServerError(WireError):
    """Something here is at fault. The words never say what."""

    error, status = "server_error", 500


class TemporarilyUnavailable(WireError):
    """AWS throttled, failed or did not answer in time; a retry may pass."""

    error, status = "temporarily_unavailable", 503
    retry_after_s: ClassVar[int] = 1

    def __init__(self, *, reason: str) -> None:
        """reason: the call and the failure, for the log."""
        super().__init__("The service is temporarily unavailable. Please try again.", reason=reason)

    @property
    def headers(self) -> dict[str, str]:
        """The Retry-After header."""
        return {"Retry-After": str(self.retry_after_s)}
