"""Read the password hash of a row in Auth0's bulk form (docs/run/moving-people.md, "Password hashes")."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.passwords.foreign.digests import SIZES
from chalicelib.passwords.foreign.schemes import MAX_MIB, MAX_MS, read
from chalicelib.passwords.foreign.text import MAX_TEXT, HashText, Unreadable, encode
from chalicelib.passwords.hash import is_bcrypt, is_foreign_hash
from infra.move.people.faults import RowFault
from infra.move.people.foreign.ldap import read_ldap
from infra.move.people.members import Members

PLAIN, CUSTOM = "password_hash", "custom_password_hash"
HISTORY = "password_history"
MOST_REMEMBERED = 24
# A new password is compared with each of them, within the 20 seconds of a request.
MAX_HISTORY_MS = 4 * MAX_MS
VALUE = "custom_password_hash.hash.value"
PASSWORD_ENCODINGS = {
    "utf8": "utf8",
    "ascii": "latin1",
    "latin1": "latin1",
    "binary": "latin1",
    "utf16le": "utf16le",
    "ucs2": "utf16le",
}
DIGESTS = ("md5", "sha1", "sha256", "sha512")
HMAC_DIGESTS = (*SIZES, "md4", "whirlpool")
SCRYPT_PARAMETERS = ("keylen", "cost", "blockSize", "parallelization")
MAX_SCRYPT_COST = 1 << 31
_BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})")


def stored_hash(row: Mapping[str, Any]) -> str:
    """Return the stored form of a row's password hash, "" if the row has none; raises RowFault.

    row: in Auth0's bulk form. Its `password_hash` may also be a stored form of ours.
    """
    members = Members.of("", row)
    if members.has(PLAIN) and members.has(CUSTOM):
        raise RowFault(CUSTOM, "NOT_PASSED", "`password_hash` stands here too: leave one of the two out.")
    if members.has(PLAIN):
        return _bearable(PLAIN, members.text(PLAIN))
    return _read_custom(members.child(CUSTOM)) if members.has(CUSTOM) else ""


def stored_history(row: Mapping[str, Any]) -> list[str]:
    """Return the stored forms of a person's earlier passwords, as an export of ours has them; raises RowFault."""
    given = row.get(HISTORY) or []
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise RowFault(HISTORY, "INVALID_TYPE", "It must be a list of texts.")
    if len(given) > MOST_REMEMBERED:
        raise RowFault(HISTORY, "ARRAY_LENGTH_LONG", f"It has at most {MOST_REMEMBERED} hashes.")
    stored = [_bearable(HISTORY, one) for one in given]
    if sum(read(one).cost_ms for one in stored if not is_bcrypt(one)) > MAX_HISTORY_MS:
        seconds = MAX_HISTORY_MS // 1000
        raise RowFault(HISTORY, "MAXIMUM", f"A check of all its hashes of other servers would take over {seconds} s.")
    return stored


def _read_custom(custom: Members) -> str:
    readers: dict[str, Callable[[Members, str], str]] = {
        "argon2": _read_phc,
        "bcrypt": _read_bcrypt,
        "hmac": _read_hmac,
        "ldap": lambda members, encoding: read_ldap(VALUE, _text_of(members), encoding),
        "pbkdf2": _read_phc,
        "scrypt": _read_scrypt,
        **dict.fromkeys(DIGESTS, _read_digest),
        "md4": _refuse_digest,
    }
    algorithm = custom.choice("algorithm", tuple(sorted(readers)))
    is_scrypt = algorithm == "scrypt"
    custom.require_only("algorithm", "hash", "salt", "password", *(SCRYPT_PARAMETERS if is_scrypt else ()))
    password = custom.child("password")
    password.require_only("encoding")
    encoding = PASSWORD_ENCODINGS[password.choice("encoding", tuple(PASSWORD_ENCODINGS), "utf8")]
    return _bearable(VALUE, readers[algorithm](custom, encoding))


def _bearable(place: str, stored: str) -> str:
    """Return a stored form again if the function verifies it at a bearable cost; raises RowFault."""
    if len(stored) > MAX_TEXT:
        raise RowFault(place, "MAX_LENGTH", f"The hash has more than {MAX_TEXT} characters.")
    if is_bcrypt(stored):
        if is_foreign_hash(stored) or not stored.startswith("$2"):
            return stored
        raise _too_dear(place)
    try:
        foreign = read(_as_bcrypt(stored))
    except Unreadable as unreadable:
        raise RowFault(place, "FORMAT" if place == VALUE else "PATTERN", str(unreadable)) from None
    if not foreign.is_bearable:
        raise _too_dear(place)
    return stored


def _as_bcrypt(stored: str) -> str:
    """Return a plain bcrypt, whose cost is too high, in the form that tells its cost; any other text as it is."""
    found = _BCRYPT.fullmatch(stored)
    return f"$bcrypt$r={int(found[1])}${found[2]}${found[3]}" if found else stored


def _too_dear(place: str) -> RowFault:
    seconds, sentence = MAX_MS // 1000, "One check of the hash would take more than {} s or {} MiB."
    return RowFault(place, "MAXIMUM", sentence.format(seconds, MAX_MIB))


def _text_of(custom: Members) -> str:
    """Return the text of a hash that holds its own salt and parameters."""
    if custom.has("salt"):
        raise RowFault(custom.at("salt"), "NOT_PASSED", "The hash holds its own salt: leave this one out.")
    found = custom.child("hash")
    found.require_only("value", "encoding")
    found.choice("encoding", ("utf8",), "utf8")
    return found.text("value")


def _read_phc(custom: Members, encoding: str) -> str:
    """Return the stored form of an Argon2 or PBKDF2 in PHC's format."""
    family = custom.text("algorithm")
    try:
        text = HashText.parse(_text_of(custom))
    except Unreadable as unreadable:
        raise RowFault(VALUE, "FORMAT", str(unreadable)) from None
    if not text.scheme.startswith(family) or "e" in text.params:
        raise RowFault(VALUE, "FORMAT", f"The hash is not one of {family}'s.")
    return _with(text, encoding)


def _read_bcrypt(custom: Members, encoding: str) -> str:
    found = _BCRYPT.fullmatch(_text_of(custom))
    if found is None:
        raise RowFault(VALUE, "FORMAT", "The hash must be bcrypt's: $2a$, $2b$ or $2y$, 60 characters.")
    if encoding == "utf8":
        return found[0]
    if encoding == "utf16le":
        raise RowFault(
            f"{CUSTOM}.password.encoding", "NOT_PASSED", "Bcrypt ends at a NUL, which nearly every such password has."
        )
    return _with(HashText("bcrypt", {"r": str(int(found[1]))}, found[2], found[3]), encoding)


def _read_digest(custom: Members, encoding: str) -> str:
    found, algorithm = custom.child("hash"), custom.text("algorithm")
    found.require_only("value", "encoding")
    checksum = _checksum_of(found, SIZES[algorithm])
    salt, params = _salt_of(custom)
    return _with(HashText.of_bytes(algorithm, params, salt, checksum), encoding)


def _refuse_digest(custom: Members, _: str) -> str:
    raise _unverified(custom.at("algorithm"), custom.text("algorithm"))


def _unverified(place: str, name: str) -> RowFault:
    return RowFault(place, "NOT_PASSED", f"No library here verifies {name}.")


def _read_hmac(custom: Members, encoding: str) -> str:
    found = custom.child("hash")
    found.require_only("value", "encoding", "digest", "key")
    digest = found.choice("digest", HMAC_DIGESTS)
    if digest not in SIZES:
        raise _unverified(found.at("digest"), digest)
    key = found.child("key")
    key.require_only("value", "encoding")
    octets = key.octets("value", ("utf8", "base64", "hex"), "utf8")
    if not octets:
        raise RowFault(key.at("value"), "MIN_LENGTH", "The key is empty.")
    salt, params = _salt_of(custom)
    checksum = _checksum_of(found, SIZES[digest])
    return _with(HashText.of_bytes(f"hmac-{digest}", {**params, "k": encode(octets)}, salt, checksum), encoding)


def _read_scrypt(custom: Members, encoding: str) -> str:
    found, size, cost = custom.child("hash"), custom.number("keylen"), custom.number("cost", 16_384)
    found.require_only("value", "encoding")
    if cost.bit_count() != 1 or cost == 1:
        raise RowFault(custom.at("cost"), "NOT_PASSED", "It must be a power of two from 2.")
    if cost > MAX_SCRYPT_COST:
        raise RowFault(custom.at("cost"), "MAXIMUM", f"It must be at most {MAX_SCRYPT_COST}.")
    if not custom.has("salt"):
        raise RowFault(custom.at("salt"), "OBJECT_REQUIRED", "It is missing.")
    salt, _ = _salt_of(custom)
    params = {"ln": cost.bit_length() - 1, "r": custom.number("blockSize", 8), "p": custom.number("parallelization", 1)}
    return _with(HashText.of_bytes("scrypt", params, salt, _checksum_of(found, size)), encoding)


def _checksum_of(found: Members, size: int) -> bytes:
    checksum = found.octets("value", ("base64", "hex"))
    if len(checksum) != size:
        raise RowFault(found.at("value"), "FORMAT", f"The hash has {len(checksum)} bytes in place of {size}.")
    return checksum


def _salt_of(custom: Members) -> tuple[bytes, dict[str, str]]:
    """Return the salt and the parameters that tell its place; none for a hash without salt."""
    if not custom.has("salt"):
        return b"", {}
    salt = custom.child("salt")
    salt.require_only("value", "encoding", "position")
    position = salt.choice("position", ("prefix", "suffix"), "prefix")
    return salt.octets("value", ("utf8", "base64", "hex"), "utf8"), {"p": position} if position == "suffix" else {}


def _with(text: HashText, encoding: str) -> str:
    """Return the stored form of a hash of passwords in this encoding."""
    params = dict(text.params) if encoding == "utf8" else {**text.params, "e": encoding}
    return HashText(text.scheme, params, text.salt, text.checksum).write()
