"""The form of a signed JWT, which decoders do not check strictly."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

PARTS = 3


def is_compact_jws(token: str) -> bool:
    """Return whether this is three parts of canonical base64url, unpadded. Source: RFC 7515 2, 7.1."""
    parts = token.split(".")
    return len(parts) == PARTS and all(map(_is_base64url, parts))


def read_header(token: str) -> dict[str, Any]:
    """Return the header of a compact JWS, to choose a key by. Nothing is verified yet.

    Raises ValueError, or RecursionError, if it is no JSON object.
    """
    header = json.loads(_decode(token.partition(".")[0]))
    if not isinstance(header, dict):
        raise ValueError("the header is no JSON object")
    return header


def _is_base64url(part: str) -> bool:
    try:
        return urlsafe_b64encode(_decode(part)).rstrip(b"=") == part.encode()
    except ValueError:
        return False


def _decode(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
