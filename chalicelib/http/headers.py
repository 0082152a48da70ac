"""The headers that an answer has by its path: how to authenticate after a 401, and who may read it from elsewhere."""

from chalicelib.errors import InvalidClient
from chalicelib.http.wire import NO_STORE, Reply

BASIC = 'Basic realm="gatehouse", charset="UTF-8"'
BEARER = 'Bearer realm="gatehouse", error="invalid_token"'
BEARER_PATHS = ("/mfa/", "/userinfo")
# Public, or shown to a bearer token alone: a browser adds neither by itself.
OPEN_PATHS = ("/.well-known/", "/userinfo")
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
NO_PREFLIGHT = "It answers no preflight: an app in a browser must not take people's passwords."
PREFLIGHT = "OPTIONS"
PREFLIGHTED = ("/userinfo",)
NO_CONTENT = 204


def path_headers(path: str, status: int) -> dict[str, str]:
    """Return what every answer of a path has, errors and crashes included. Source: RFC 9110 15.5.2; Fetch 3.2.3."""
    origin = ANY_ORIGIN if path.startswith(OPEN_PATHS) else {}
    if status != InvalidClient.status:
        return origin
    return origin | {"WWW-Authenticate": BEARER if path.startswith(BEARER_PATHS) else BASIC}


def preflight(method: str, path: str, methods: tuple[str, ...]) -> Reply | None:
    """Return the answer to a browser that asks whether it may send a bearer token; None if this is no such question.

    Source: Fetch 3.2.3.
    """
    if method != PREFLIGHT or path not in PREFLIGHTED:
        return None
    allowed = {"Access-Control-Allow-Headers": "authorization", "Access-Control-Allow-Methods": ", ".join(methods)}
    return Reply(None, NO_CONTENT, {**NO_STORE, **allowed})


def why_not(method: str, path: str) -> str:
    """Return what to tell a method that a path does not take: why a browser's preflight fails; else nothing."""
    return NO_PREFLIGHT if method == PREFLIGHT and not path.startswith(OPEN_PATHS) else ""
