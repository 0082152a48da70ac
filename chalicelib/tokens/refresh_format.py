"""The form of a refresh token: 256 random bits, the key of its family, and a checksum.

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

from chalicelib.identifiers import is_text
from chalicelib.model.family import FamilyKey

MAX_TOKEN_LENGTH = 1024
SECRET_BYTES = 32
CHECKSUM_BYTES = 4
FAMILY_ID = re.compile("[0-9a-f]{32}")
Checksum = Callable[[bytes], bytes]


def plain_checksum(body: bytes) -> bytes:
    """Return a checksum without a key: it shows damage, and does not prove who made the token."""
    return hashlib.sha256(body).digest()


def encode(key: FamilyKey, secret: bytes, checksum: Checksum = plain_checksum) -> str:
    """Return the token of a family for a secret."""
    parts = json.dumps([key.realm, key.user_id, key.family_id], separators=(",", ":")).encode()
    return urlsafe_b64encode(secret + parts + checksum(secret + parts)[:CHECKSUM_BYTES]).rstrip(b"=").decode()


def decode(token: str) -> tuple[FamilyKey, bytes] | None:
    """Return a token's family key and secret, or None if it has another form. The checksum is not verified."""
    if len(token) > MAX_TOKEN_LENGTH:
        return None
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        secret, parts = raw[:SECRET_BYTES], json.loads(raw[SECRET_BYTES:-CHECKSUM_BYTES])
        key = FamilyKey(*parts)
    except (ValueError, TypeError, RecursionError):
        return None
    if not all(is_text(part) for part in parts) or not FAMILY_ID.fullmatch(key.family_id):
        return None
    # A token has one spelling: if encoding it again gives another text, it was changed.
    return (key, secret) if encode(key, secret, lambda _: raw[-CHECKSUM_BYTES:]) == token else None


def make_successor(secret: bytes, nonce: str) -> bytes:
    """Return the secret of the next token, by the family's nonce."""
    return hmac.digest(bytes.fromhex(nonce), b"successor" + secret, "sha256")


def hash_secret(secret: bytes) -> str:
    """Return a secret's stored form."""
    return hashlib.sha256(secret).hexdigest()
