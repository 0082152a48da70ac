"""Pwned Passwords' range API: ask the service without telling it the password (k-anonymity).

TLS and HTTP are imported by the first question, since most realms ask none.
"""

import hashlib
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING

from chalicelib.tls import tls_context

if TYPE_CHECKING:
    from http.client import HTTPConnection

HOST = "api.pwnedpasswords.com"
TIMEOUT_S = 1.0
PREFIX_LENGTH = 5
OK = 200
MAX_ANSWER_BYTES = 1024 * 1024
# Without padding, the size of an answer would tell a listener which range was asked for.
HEADERS = {"Add-Padding": "true", "User-Agent": "Gatehouse"}


class RangeApiFailure(Exception):
    """The service gave no answer. The message says why, and holds no part of the password."""


def connect() -> "HTTPConnection":
    """Return a connection to the service, not open yet. Each operation on it may take TIMEOUT_S seconds."""
    from http.client import HTTPSConnection  # noqa: PLC0415

    return HTTPSConnection(HOST, timeout=TIMEOUT_S, context=tls_context())


def is_pwned(password: str, connect: "Callable[[], HTTPConnection]" = connect) -> bool:
    """Return whether the service knows the password from a breach; raises RangeApiFailure.

    Only 5 of the 40 hex digits of the SHA-1 of the password in NFC are sent. connect: makes the connection.
    Source: the API's documentation, "Searching by range" and "Introducing padding".
    """
    text = unicodedata.normalize("NFC", password)
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().upper()
    prefix, suffix = digest[:PREFIX_LENGTH], digest[PREFIX_LENGTH:].encode()
    counts = dict(line.strip().partition(b":")[::2] for line in _range(prefix, connect()).splitlines())
    # A count of 0 is padding.
    return counts.get(suffix, b"0") != b"0"


def _range(prefix: str, connection: "HTTPConnection") -> bytes:
    from http.client import HTTPException  # noqa: PLC0415

    try:
        connection.request("GET", f"/range/{prefix}", headers=HEADERS)
        response = connection.getresponse()
        if response.status != OK:
            raise RangeApiFailure(f"status {response.status}")
        return response.read(MAX_ANSWER_BYTES)
    except (OSError, HTTPException) as failure:
        raise RangeApiFailure(type(failure).__name__) from None
    finally:
        connection.close()
