"""The errors of the request itself and of the server, whatever the endpoint."""

from typing import ClassVar

from chalicelib.errors.oauth import InvalidRequest
from chalicelib.errors.root import WireError


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


class NotFound(WireError):
    """No such path."""

    error, status = "not_found", 404


class MethodNotAllowed(WireError):
    """The path exists, the method does not. Source: RFC 9110 15.5.6."""

    error, status = "method_not_allowed", 405

    def __init__(self, allowed: tuple[str, ...], why: str = "") -> None:
        """allowed: the methods that the path takes. why: a sentence that says why another is refused."""
        super().__init__(f"This path takes {', '.join(allowed)} only. {why}".rstrip())
        self.allowed = allowed

    @property
    def headers(self) -> dict[str, str]:
        """The Allow header."""
        return {"Allow": ", ".join(self.allowed)}


class ServerError(WireError):
    """Gatehouse is at fault. The description never says how."""

    error, status = "server_error", 500


class TemporarilyUnavailable(WireError):
    """AWS throttled, failed or did not answer in time; a retry may succeed."""

    error, status = "temporarily_unavailable", 503
    retry_after_s: ClassVar[int] = 1

    def __init__(self, *, reason: str) -> None:
        """reason: the call and the failure, for the log."""
        super().__init__("The service is temporarily unavailable. Please try again.", reason=reason)

    @property
    def headers(self) -> dict[str, str]:
        """The Retry-After header."""
        return {"Retry-After": str(self.retry_after_s)}


def is_refusal(failure: Exception) -> bool:
    """Return whether a failure is an error below 500, which a retry would get again."""
    return isinstance(failure, WireError) and failure.status < ServerError.status
