"""Send JSON to the old service, and say why it did not answer a question. No message has anything of a person.

Gatehouse logs the type of an exception and the line that raised it, so each reason is a type.
"""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

# Two requests have to fit into GATEHOUSE_IMPORT_BUDGET_S, which is 4 seconds.
TIMEOUT_S = 1.9
MAX_BYTES = 1 << 18
HERE = ("127.0.0.1", "localhost")


class OldServiceFailed(Exception):
    """The old service did not say yes or no. The login is answered with 503, and no attempt is counted."""


class Unreachable(OldServiceFailed):
    """It is down, slow, or answered no JSON."""


class RateLimited(OldServiceFailed):
    """It takes no more tries, of this person, this address or anybody."""


class SecondFactorAsked(OldServiceFailed):
    """The password is right, but it asks for more, so nothing is known of the person."""


class Misconfigured(OldServiceFailed):
    """It refuses the application, or a setting is missing. Nobody moves until that is mended."""


def setting(context: Any, name: str) -> str:
    """Return a setting of rules (`gatehouse rules settings set NAME`); raises Misconfigured."""
    value = context.configuration.get(name)
    if not value:
        raise Misconfigured(f"The setting {name} is missing.")
    return str(value)


def send(url: str, headers: dict[str, str], body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON object of an answer; raises OldServiceFailed. body: of a POST; None sends a GET.

    No redirect is followed: a password goes to the URL that the team wrote, and nowhere else.
    """
    connection = _connect(url)
    content = None if body is None else json.dumps(body).encode()
    try:
        connection.request("GET" if body is None else "POST", urlsplit(url).path or "/", content, headers)
        response = connection.getresponse()
        status, answer = response.status, response.read(MAX_BYTES)
    except (OSError, http.client.HTTPException):
        # What they say may hold a part of the request.
        raise Unreachable("It did not answer.") from None
    finally:
        connection.close()
    if status == http.client.TOO_MANY_REQUESTS:
        raise RateLimited("It takes no more tries.")
    return status, _object_in(answer)


def _connect(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname in HERE:
        return http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)
    if parts.scheme != "https":
        raise Misconfigured("The old service's URL is not https.")
    return http.client.HTTPSConnection(parts.netloc, timeout=TIMEOUT_S)


def _object_in(answer: bytes) -> dict[str, Any]:
    try:
        read = json.loads(answer)
    except (ValueError, RecursionError):
        raise Unreachable("It answered no JSON.") from None
    if not isinstance(read, dict):
        raise Unreachable("It answered no JSON object.")
    return read
