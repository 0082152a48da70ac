"""The errors of the Management API, by Auth0's errorCode."""

from chalicelib.errors.auth0 import TooManyAttempts
from chalicelib.errors.oauth import InvalidRequest
from chalicelib.errors.root import WireError


class InvalidBody(InvalidRequest):
    """The body has a member that is unknown or malformed."""

    error = "invalid_body"


class InvalidQueryString(InvalidRequest):
    """The query has a parameter that is malformed, or asks for more than there is."""

    error = "invalid_query_string"


class InexistentUser(WireError):
    """No user has the id."""

    error, status = "inexistent_user", 404

    def __init__(self) -> None:
        super().__init__("The user does not exist.")


class Conflict(WireError):
    """The change would give two users one identifier, or meets another change."""

    error, status = "auth0_idp_error", 409


class TooManyRequests(TooManyAttempts):
    """The client has made as many requests as it may."""

    error = "too_many_requests"
