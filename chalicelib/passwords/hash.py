"""Passwords and their hashes: bcrypt, with a scheme of its own for what bcrypt cannot take (docs/adr/0004)."""

import hmac
import re
import secrets
import string
import unicodedata
from base64 import b64encode

import bcrypt

# Of a password, in characters as they are typed. What is longer is never normalised: that can cost more than a bcrypt.
MAX_LENGTH = 1024
BCRYPT_LIMIT_BYTES = 72
FOREIGN_COSTS = range(4, 15)
CHECKSUM_LENGTH = 31
_ALPHABET = "./" + string.ascii_letters + string.digits
_BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_LONG = re.compile(r"\$bcrypt-sha256\$v=2,t=2b,r=([0-9]{1,2})\$([./A-Za-z0-9]{22})\$([./A-Za-z0-9]{31})")


def hash_password(password: str, cost: int) -> str:
    """Return the stored form of a password under a fresh salt.

    `$2b$` for up to 72 bytes of UTF-8 after NFC; `$bcrypt-sha256$v=2` (passlib's) for what bcrypt does not take whole:
    bcrypt of the base64 of HMAC-SHA256 keyed with the salt, so that a plain SHA-256 stolen elsewhere cannot stand in
    for the password. Raises ValueError for a password over MAX_LENGTH, which could never log in.
    """
    if len(password) > MAX_LENGTH:
        raise ValueError("the password is too long")
    secret = _normalise(password)
    salt = bcrypt.gensalt(cost)
    if _fits(secret):
        return bcrypt.hashpw(secret, salt).decode()
    hashed = bcrypt.hashpw(_shorten(secret, salt[-22:]), salt).decode()
    return f"$bcrypt-sha256$v=2,t=2b,r={cost}${hashed[-53:-31]}${hashed[-31:]}"


def verify(password: str, stored: str) -> bool:
    """Return whether the password has this stored form, normalised as we hash it, or byte for byte as others may have.

    Costs one bcrypt, whatever the stored form and the answer; if the first fails, a second one for a password that NFC
    changes. A password over MAX_LENGTH never matches. What bcrypt does not take whole never matches a plain bcrypt
    hash, whose maker cut it or never saw it.
    """
    if len(password) > MAX_LENGTH:
        _matches(b"", stored)
        return False
    return _matches(_normalise(password), stored) or is_hash_as_typed(password, stored)


def is_hash_as_typed(password: str, stored: str) -> bool:
    """Return whether another server made this hash of the password as it is typed, without NFC.

    Costs one bcrypt, and none if NFC does not change the password or bcrypt would not take it whole.
    """
    typed = password.encode()
    return _fits(typed) and typed != _normalise(password) and _matches(typed, stored)


def is_foreign_hash(stored: str) -> bool:
    """Whether this is a bcrypt hash that may be taken over from elsewhere: `$2a$`, `$2b$`, `$2y$`, cost 4 to 14."""
    found = _BCRYPT.fullmatch(stored)
    return bool(found) and int(found[1]) in FOREIGN_COSTS if found else False


def needs_rehash(stored: str, cost: int) -> bool:
    """Whether the stored form is of another cost or make than hash_password would give now."""
    long = _LONG.fullmatch(stored)
    if long:
        return int(long[1]) != cost
    return not stored.startswith(f"$2b${cost:02}$")


def fold(password: str) -> str:
    """Return the form in which a password is held against words and lists: NFC, case-folded. It is never hashed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", password).casefold())


def dummy_hash(cost: int) -> str:
    """Return a stored form that no password has, of the same cost: the work owed for an unknown user.

    Its checksum is random and hashed from nothing: a start of the process is spared a bcrypt.
    """
    return bcrypt.gensalt(cost).decode() + "".join(secrets.choice(_ALPHABET) for _ in range(CHECKSUM_LENGTH))


def _matches(secret: bytes, stored: str) -> bool:
    """Return whether these bytes have this stored form: exactly one bcrypt."""
    long = _LONG.fullmatch(stored)
    if long:
        cost, salt, checksum = long.groups()
        return bcrypt.checkpw(_shorten(secret, salt.encode()), f"$2b${int(cost):02}${salt}{checksum}".encode())
    fits = _fits(secret)
    matches = bcrypt.checkpw(secret if fits else _shorten(secret, stored[-53:-31].encode()), stored.encode())
    return matches and fits


def _normalise(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode()


def _fits(secret: bytes) -> bool:
    """Whether bcrypt takes all of it: it stops after 72 bytes, and at a NUL it begins again."""
    return len(secret) <= BCRYPT_LIMIT_BYTES and b"\0" not in secret


def _shorten(secret: bytes, salt: bytes) -> bytes:
    return b64encode(hmac.digest(salt, secret, "sha256"))
