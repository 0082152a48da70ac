"""The form of a signed JWT, which decoders do not check strictly."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

PARTS = 3


def is_compact_jws(token: str) -> bool:
    """Return whether this is three parts of canonical base64url, unpadded. Source: RFC 7515 2, 7.1."""
    parts = token.split(".")
    return len(parts) == PARTS and all(map(_is_base64url, parts))


def _is_base64url(part: str) -> bool:
    try:
        return urlsafe_b64encode(urlsafe_b64decode(part + "=" * (-len(part) % 4))).rstrip(b"=") == part.encode()
    except ValueError:
        return False
