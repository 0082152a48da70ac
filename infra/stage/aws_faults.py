"""Describe AWS's failures in the one line that a command prints: what failed, and what to do if that is known."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from chalicelib.errors import WireError

_KEYS = "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
_EXPIRED = "The credentials have expired: log in again (aws sso login), or set new ones."
_WRONG = "AWS does not know these credentials: check AWS_PROFILE or AWS_ACCESS_KEY_ID, and the clock of this machine."
_REGION = "Set AWS_DEFAULT_REGION, such as eu-west-1."
_NETWORK = "Check the network, HTTPS_PROXY and AWS_ENDPOINT_URL."
# By the exception's name, or AWS's error code.
_MENDS = {
    "NoCredentialsError": _KEYS,
    "PartialCredentialsError": _KEYS,
    "NoAuthTokenError": _KEYS,
    "CredentialRetrievalError": _KEYS,
    "ProfileNotFound": "AWS_PROFILE names a profile that ~/.aws/config lacks.",
    "NoRegionError": _REGION,
    "InvalidRegionError": _REGION,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "SSOTokenLoadError": _EXPIRED,
    "UnauthorizedSSOTokenError": _EXPIRED,
    "TokenRetrievalError": _EXPIRED,
    "InvalidClientTokenId": _WRONG,
    "UnrecognizedClientException": _WRONG,
    "InvalidSignatureException": _WRONG,
    "SignatureDoesNotMatch": _WRONG,
    "AuthFailure": _WRONG,
    "EndpointConnectionError": _NETWORK,
    "ConnectTimeoutError": _NETWORK,
    "ReadTimeoutError": _NETWORK,
    "ProxyConnectionError": _NETWORK,
    "SSLError": _NETWORK,
    "ForeignAnswer": f"It came from a proxy or a login page. {_NETWORK}",
    "ResponseParserError": f"It may come from a proxy. {_NETWORK}",
}
_WEB_PAGE = (b"<!doctype html", b"<html")
_SERVER_ERROR = 500


class ForeignAnswer(BotoCoreError):
    """A web page came instead of AWS's answer."""

    fmt = "The answer to {operation} is a web page with status {status}, and not AWS's."


# The failures that a command prints in one line: AWS's own, unreadable answers, and those that the store translated.
AWS_FAILURES = (BotoCoreError, ClientError, ResponseParserError, WireError)


def refuse_web_pages(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Raise ForeignAnswer for a web page: botocore reads a page of status 200 as an empty answer of DynamoDB.

    A page of status 5xx comes from AWS's own load balancers, and botocore repeats the call.
    """
    body, status = response_dict["body"], response_dict["status_code"]
    is_page = isinstance(body, bytes) and body.lstrip()[:20].lower().startswith(_WEB_PAGE)
    if is_page and status < _SERVER_ERROR:
        raise ForeignAnswer(operation=operation_model.name, status=status)


def describe_failure(failure: Exception) -> str:
    """Return one line about a failure: what failed, and what to do if that is known."""
    if isinstance(failure, WireError):
        words = failure.reason
    elif isinstance(failure, ResponseParserError):
        words = "The answer cannot be read as one of AWS's."
    else:
        words = " ".join(str(failure).split())
    mend = _MENDS.get(_name(failure))
    return f"{words.removesuffix('.')}. {mend}" if mend else words


def _name(failure: Exception) -> str:
    """Return the failure's name in _MENDS. The store writes it after the operation: `get_item: NoRegionError`."""
    if isinstance(failure, WireError):
        return failure.reason.rpartition(": ")[2]
    if isinstance(failure, ClientError):
        return str(failure.response["Error"].get("Code", ""))
    return next((kind.__name__ for kind in type(failure).__mro__ if kind.__name__ in _MENDS), "")
