"""Users of `firebase auth:export`, whose hashes are Firebase's own scrypt."""

import re
from collections.abc import Mapping
from typing import Any

from chalicelib.passwords.foreign.text import HashText
from infra.move.people.faults import RowFault
from infra.move.people.members import Members, from_base64

_NAMES = {
    "localId": "user_id",
    "email": "email",
    "displayName": "name",
    "photoUrl": "picture",
    "phoneNumber": "phone_number",
}
_NUMBERS = ("rounds", "mem_cost")
_PAIR = re.compile(r"""["']?(\w+)["']?\s*:\s*["']?([\w+/=-]+)""")


def parse_hash_config(text: str) -> dict[str, Any]:
    """Return the password hash parameters of a project, from JSON or from the text that Firebase's console shows."""
    pairs = dict(_PAIR.findall(text))
    return {name: int(value) if name in _NUMBERS and value.isdecimal() else value for name, value in pairs.items()}


def from_firebase(user: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row in Auth0's bulk form; raises RowFault. A disabled person is blocked.

    config: the project's password hash parameters, as the console of Firebase shows them: base64_signer_key,
    base64_salt_separator, rounds, mem_cost.
    """
    members = Members.of("", user)
    row: dict[str, Any] = {ours: members.text(theirs, "") for theirs, ours in _NAMES.items()}
    row["email_verified"] = user.get("emailVerified") is True and bool(row["email"])
    row["blocked"] = user.get("disabled") is True
    created = str(user.get("createdAt", ""))
    row["created_at"] = int(created) // 1000 if created.isascii() and created.isdigit() else None
    if members.has("passwordHash"):
        row["password_hash"] = _read_hash(members, Members.of("hash_config", config))
    return {name: value for name, value in row.items() if value}


def _read_hash(user: Members, config: Members) -> str:
    """Return the stored form: the hash is the signer key, encrypted, so their XOR is the key stream (ADR 0049)."""
    hashed, salt = (from_base64(name, user.text(name, "")) for name in ("passwordHash", "salt"))
    key, separator = (
        from_base64(config.at(name), config.text(name)) for name in ("base64_signer_key", "base64_salt_separator")
    )
    if len(hashed) != len(key):
        raise RowFault("passwordHash", "FORMAT", "It has another length than the signer key.")
    stream = bytes(one ^ other for one, other in zip(hashed, key, strict=True))
    params = {"ln": config.number("mem_cost"), "r": config.number("rounds"), "p": 1}
    return HashText.of_bytes("firebase-scrypt", params, salt + separator, stream).write()
