"""The answers about accounts: an error has both shapes, RFC 6749's for OAuth clients and Auth0's for its SDKs."""

from chalicelib.errors import WireError
from chalicelib.http.routes import Caller
from chalicelib.http.wire import NO_STORE, Reply

TEXT = {**NO_STORE, "Content-Type": "text/html; charset=utf-8"}
# Auth0's names of errors, by status.
_NAMES = {
    401: "UnauthorizedError",
    403: "ForbiddenError",
    405: "MethodNotAllowedError",
    413: "PayloadTooLargeError",
    415: "UnsupportedMediaTypeError",
    429: "TooManyRequestsError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
}


def error_reply(error: WireError) -> Reply:
    """Return an error in both shapes at once. Source: RFC 6749 5.2; Auth0's /dbconnections."""
    body = {
        "error": error.error,
        "error_description": error.description,
        "name": _NAMES.get(error.status, "BadRequestError"),
        "code": error.error,
        "description": error.description,
        "statusCode": error.status,
    }
    return Reply({**body, **error.members}, error.status, {**NO_STORE, **error.headers})


# An application on behalf of somebody who is not logged in; it may authenticate as a client.
ACCOUNT_CLIENT = Caller(error_reply=error_reply)
