"""The errors that RFCs name: 6749, 6750, 7009, 8628, 8707."""

from chalicelib.errors.root import WireError


class InvalidRequest(WireError):
    """The request is malformed. Source: RFC 6749 5.2."""

    error, status = "invalid_request", 400


class InvalidClient(WireError):
    """Client authentication failed; the description never says why. Source: RFC 6749 5.2."""

    error, status = "invalid_client", 401

    def __init__(self, *, reason: str) -> None:
        super().__init__("Client authentication failed.", reason=reason)


class InvalidGrant(WireError):
    """The password, code or token of the request is not valid. Source: RFC 6749 5.2."""

    error, status = "invalid_grant", 400


class InvalidTarget(WireError):
    """The audience is unknown. Source: RFC 8707 2."""

    error, status = "invalid_target", 400


class UnauthorizedClient(WireError):
    """The client may not use the grant. Source: RFC 6749 5.2."""

    error, status = "unauthorized_client", 400


class UnsupportedGrantType(WireError):
    """No grant of that name exists here. Source: RFC 6749 5.2."""

    error, status = "unsupported_grant_type", 400


class InvalidScope(WireError):
    """The request names more scopes than were granted before. Source: RFC 6749 5.2, 6."""

    error, status = "invalid_scope", 400


class UnsupportedTokenType(WireError):
    """A token of this kind cannot be revoked. Source: RFC 7009 2.2.1."""

    error, status = "unsupported_token_type", 400


class InvalidToken(WireError):
    """The access token is missing, malformed, expired or another issuer's. Source: RFC 6750 3.1."""

    error, status = "invalid_token", 401

    def __init__(self, *, reason: str, is_missing: bool = False) -> None:
        """is_missing: whether no token was sent; then the challenge names no error."""
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


class AuthorizationPending(WireError):
    """The code of the second factor was not sent yet. Source: RFC 8628 3.5."""

    error, status = "authorization_pending", 400


class SlowDown(WireError):
    """The client polled too fast. Source: RFC 8628 3.5."""

    error, status = "slow_down", 400
