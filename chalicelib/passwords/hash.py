"""Passwords and their hashes: bcrypt, with another scheme for passwords that bcrypt cannot take (docs/adr/0004)."""

import hmac
import re
import secrets
import string
import unicodedata
from base64 import b64encode

import bcrypt

# Characters of a password as typed. A longer text is never normalised: that can cost more than a bcrypt.
MAX_LENGTH = 1024
BCRYPT_LIMIT_BYTES = 72
FOREIGN_COSTS = range(4, 15)
# Of foreign hashes and of our own (GATEHOUSE_BCRYPT_COST).
COSTS = range(4, 16)
CHECKSUM_LENGTH = 31
_ALPHABET = "./" + string.ascii_letters + string.digits
# The last character of a salt has two bits; bcrypt refuses any other.
_SALT_ENDS = ".Oeu"
_BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_LONG = re.compile(r"\$bcrypt-sha256\$v=2,t=2b,r=([0-9]{1,2})\$([./A-Za-z0-9]{22})\$([./A-Za-z0-9]{31})")


def hash_password(password: str, cost: int) -> str:
    """Return the stored form of a password under a fresh salt.

    `$2b$` for up to 72 bytes of UTF-8 after NFC. For longer ones, and those with a NUL, passlib's
    `$bcrypt-sha256$v=2`: bcrypt of the base64 of HMAC-SHA256 keyed with the salt. With the key, a plain SHA-256 that
    was stolen elsewhere cannot replace the password. Raises ValueError for a password over MAX_LENGTH.
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
    """Return whether the password has this stored form, either in NFC or, as other servers may hash it, as typed.

    Costs one bcrypt, whatever the stored form and the answer. If that fails, a password that NFC changes costs a second
    one. A password over MAX_LENGTH never matches. A password that bcrypt does not take whole never matches a plain
    bcrypt hash, as its maker had cut it. Another scheme's hash costs what that scheme does in place of bcrypt, and a
    text that is no hash costs nothing and is nobody's.
    """
    if not is_bcrypt(stored):
        return _is_foreign_password(password, stored)
    if len(password) > MAX_LENGTH:
        _matches(b"", stored)
        return False
    return _matches(_normalise(password), stored) or is_hash_as_typed(password, stored)


def is_bcrypt(stored: str) -> bool:
    """Return whether this is a stored form of hash_password or another server's bcrypt, of a cost that is bearable."""
    found = _BCRYPT.fullmatch(stored) or _LONG.fullmatch(stored)
    salt = found and (found[2] if stored.startswith("$bcrypt") else stored[-53:-31])
    return found is not None and int(found[1]) in COSTS and str(salt)[-1] in _SALT_ENDS


def is_hash_as_typed(password: str, stored: str) -> bool:
    """Return whether another server made this hash of the password as it is typed, without NFC.

    Costs one bcrypt, and none if NFC does not change the password or bcrypt would not take it whole.
    """
    typed = password.encode()
    return _fits(typed) and typed != _normalise(password) and _matches(typed, stored)


def is_foreign_hash(stored: str) -> bool:
    """Whether this is a bcrypt hash that can be imported: `$2a$`, `$2b$` or `$2y$`, cost 4 to 14."""
    found = _BCRYPT.fullmatch(stored)
    return bool(found) and int(found[1]) in FOREIGN_COSTS if found else False


def needs_rehash(stored: str, cost: int) -> bool:
    """Whether the stored form has another cost or scheme than hash_password would give now."""
    long = _LONG.fullmatch(stored)
    if long:
        return int(long[1]) != cost
    return not stored.startswith(f"$2b${cost:02}$")


def fold(password: str) -> str:
    """Return the form in which a password is compared with words and lists: NFC, case-folded. It is never stored."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", password).casefold())


def dummy_hash(cost: int) -> str:
    """Return a stored form that no password has, of this cost: an unknown user's password is checked with it.

    Its checksum is random, so that making it costs no bcrypt at the start of a process.
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


def _is_foreign_password(password: str, stored: str) -> bool:
    """Return whether another scheme's hash is this password's. A password over MAX_LENGTH costs as any other."""
    # Most processes never meet a person with such a hash (docs/adr/0041).
    from chalicelib.passwords.foreign.verify import is_foreign_password  # noqa: PLC0415

    is_short = len(password) <= MAX_LENGTH
    return is_foreign_password(password if is_short else "", stored) and is_short


def _normalise(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode()


def _fits(secret: bytes) -> bool:
    """Whether bcrypt takes the whole secret: it stops after 72 bytes, and at a NUL it begins again."""
    return len(secret) <= BCRYPT_LIMIT_BYTES and b"\0" not in secret


def _shorten(secret: bytes, salt: bytes) -> bytes:
    return b64encode(hmac.digest(salt, secret, "sha256"))
