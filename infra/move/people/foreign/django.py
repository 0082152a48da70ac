"""Rows of Django's users: objects of `dumpdata auth.user`, or columns of the table."""

from collections.abc import Mapping
from typing import Any

from chalicelib.passwords.foreign.text import HashText
from infra.move.people.faults import RowFault
from infra.move.people.members import Members, from_base64, from_hex

_FAULT = "The password must be a hash of one of Django's hashers."
_INACTIVE = ("false", "0", "f", "no")


def from_django(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row in Auth0's bulk form; raises RowFault. An inactive person is blocked."""
    fields = Members.of("fields" if "fields" in row else "", row.get("fields", row))
    user_id, active = row.get("pk", row.get("id")), fields.values.get("is_active", True)
    bulk = {
        "user_id": None if user_id is None else str(user_id),
        "email": fields.text("email", ""),
        "username": fields.text("username", ""),
        "given_name": fields.text("first_name", ""),
        "family_name": fields.text("last_name", ""),
        "password_hash": read_hash(fields.at("password"), fields.text("password", "")),
    }
    is_blocked = active is False or str(active).lower() in _INACTIVE
    return {name: value for name, value in bulk.items() if value} | ({"blocked": True} if is_blocked else {})


def read_hash(place: str, value: str) -> str:
    """Return the stored form of Django's text, "" for an unusable password; raises RowFault."""
    scheme, _, rest = value.partition("$")
    parts = rest.split("$")
    if not value or value.startswith("!"):
        return ""
    try:
        return _read(place, scheme, rest, parts)
    except (ValueError, IndexError, TypeError):
        raise RowFault(place, "FORMAT", _FAULT) from None


def _read(place: str, scheme: str, rest: str, parts: list[str]) -> str:
    match scheme, parts:
        case ("argon2" | "bcrypt", _):
            return f"${rest.removeprefix('$')}"
        case ("bcrypt_sha256", _):
            cost, key = parts[-2], parts[-1]
            return HashText("bcrypt", {"d": "sha256", "r": str(int(cost))}, key[:22], key[22:]).write()
        case ("pbkdf2_sha256" | "pbkdf2_sha1", [iterations, salt, checksum]):
            name, octets = scheme.replace("_", "-"), from_base64(place, checksum)
            return HashText.of_bytes(name, {"i": int(iterations)}, salt.encode(), octets).write()
        case ("scrypt", [cost, salt, *params, checksum]):
            octets = from_base64(place, checksum)
            return HashText.of_bytes("scrypt", _scrypt(cost, *params), salt.encode(), octets).write()
        case ("md5" | "sha1", [salt, checksum]):
            return HashText.of_bytes(scheme, {}, salt.encode(), from_hex(place, checksum)).write()
        case (_, [""]):
            return HashText.of_bytes("md5", {}, b"", from_hex(place, scheme)).write()
    raise RowFault(place, "NOT_PASSED", _FAULT)


def _scrypt(cost: str, size: str, lanes: str) -> dict[str, int]:
    """Return the stored form's parameters; raises ValueError for a cost that is no power of two."""
    n = int(cost)
    if n.bit_count() != 1:
        raise ValueError(cost)
    return {"ln": n.bit_length() - 1, "r": int(size), "p": int(lanes)}
