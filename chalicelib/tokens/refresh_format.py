"""The form of a refresh token: its version, 256 random bits, the key of its family, and a checksum of all that.

Version 1 had no prefix; its tokens are still taken (docs/adr/0032).
The checksum tells a damaged token, so that it ends no family. The secret of a token's successor is made from its own
and a nonce that only the store has. So the same token always leads to the same successor. Neither a thief of the store
nor the holder of the token can make it alone (docs/adr/0011).
"""

import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib.identifiers import is_text
from chalicelib.model.family import FamilyKey

MAX_TOKEN_LENGTH = 1024
SECRET_BYTES = 32
CHECKSUM_BYTES = 4
FAMILY_ID = re.compile("[0-9a-f]{32}")
# The prefix of each version. Its letters are base64url's too, so a token of version 1 may begin like one of version 2.
VERSION, VERSION_BEFORE = "rt2_", ""
Checksum = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """The parts of a token. version: its prefix, VERSION or VERSION_BEFORE."""

    key: FamilyKey
    secret: bytes = field(repr=False)
    version: str = VERSION


def plain_checksum(body: bytes) -> bytes:
    """Return a checksum without a key: it shows damage, and does not prove who made the token."""
    return hashlib.sha256(body).digest()


def encode(token: RefreshToken, checksum: Checksum = plain_checksum) -> str:
    """Return a token as it is sent."""
    key, version = token.key, token.version
    parts = json.dumps([key.realm, key.user_id, key.family_id], separators=(",", ":")).encode()
    body = token.secret + parts
    sealed = body + checksum(version.encode() + body)[:CHECKSUM_BYTES]
    return version + urlsafe_b64encode(sealed).rstrip(b"=").decode()


def decode(text: str) -> RefreshToken | None:
    """Return the parts of a token, or None if it has another form or version. The checksum is not verified."""
    if len(text) > MAX_TOKEN_LENGTH:
        return None
    versions = (version for version in (VERSION, VERSION_BEFORE) if text.startswith(version))
    return next((token for version in versions if (token := _decode(text, version))), None)


def _decode(text: str, version: str) -> RefreshToken | None:
    sealed = text.removeprefix(version)
    try:
        raw = urlsafe_b64decode(sealed.encode("ascii") + b"=" * (-len(sealed) % 4))
        secret, parts = raw[:SECRET_BYTES], json.loads(raw[SECRET_BYTES:-CHECKSUM_BYTES])
        key = FamilyKey(*parts)
    except (ValueError, TypeError, RecursionError):
        return None
    if not all(is_text(part) for part in parts) or not FAMILY_ID.fullmatch(key.family_id):
        return None
    token = RefreshToken(key, secret, version)
    # A token has one spelling: if encoding it again gives another text, it was changed.
    return token if encode(token, lambda _: raw[-CHECKSUM_BYTES:]) == text else None


def make_successor(secret: bytes, nonce: str) -> bytes:
    """Return the secret of the next token, by the family's nonce."""
    return hmac.digest(bytes.fromhex(nonce), b"successor" + secret, "sha256")


def hash_secret(secret: bytes) -> str:
    """Return a secret's stored form."""
    return hashlib.sha256(secret).hexdigest()
