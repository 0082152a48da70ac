"""Rows of ASP.NET Core Identity's table AspNetUsers."""

from collections.abc import Mapping
from typing import Any

from chalicelib.passwords.foreign.text import HashText
from infra.move.people.faults import RowFault
from infra.move.people.members import Members, from_base64

_V2, _V2_BYTES = 0, 49
_V3, _V3_HEAD_BYTES = 1, 13
_V3_DIGESTS = {0: "sha1", 1: "sha256", 2: "sha512"}


def from_aspnet(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row in Auth0's bulk form; raises RowFault."""
    members = Members.of("", row)
    email, phone = members.text("Email", ""), members.text("PhoneNumber", "")
    username, value = members.text("UserName", ""), members.text("PasswordHash", "")
    bulk = {
        "user_id": str(members.values.get("Id", "")),
        "email": email,
        "username": "" if username == email else username,
        "phone_number": phone,
        "password_hash": read_hash("PasswordHash", value) if value else "",
    }
    is_verified = email and str(members.values.get("EmailConfirmed", "")).lower() in ("true", "1")
    return {name: given for name, given in bulk.items() if given} | ({"email_verified": True} if is_verified else {})


def read_hash(place: str, value: str) -> str:
    """Return the stored form of a hash of Identity's version 2 or 3; raises RowFault."""
    octets = from_base64(place, value)
    if len(octets) == _V2_BYTES and octets[0] == _V2:
        return HashText.of_bytes("pbkdf2-sha1", {"i": 1000}, octets[1:17], octets[17:]).write()
    if len(octets) > _V3_HEAD_BYTES and octets[0] == _V3:
        digest, iterations, size = (int.from_bytes(octets[at : at + 4]) for at in (1, 5, 9))
        salt, checksum = octets[13 : 13 + size], octets[13 + size :]
        if digest in _V3_DIGESTS and checksum:
            return HashText.of_bytes(f"pbkdf2-{_V3_DIGESTS[digest]}", {"i": iterations}, salt, checksum).write()
    raise RowFault(place, "FORMAT", "It must be a password hash of ASP.NET Identity, version 2 or 3.")
