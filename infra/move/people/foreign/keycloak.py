"""Users of a Keycloak realm export."""

import json
from base64 import b32encode
from collections.abc import Mapping
from typing import Any

from chalicelib.passwords.foreign.text import HashText
from infra.move.people.faults import RowFault
from infra.move.people.members import Members, from_base64

_PBKDF2 = {"pbkdf2": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}
_ARGON2_VERSIONS = {"1.0": 16, "1.3": 19}
_OF_AN_APP = {"subType": "totp", "digits": 6, "period": 30, "algorithm": "HmacSHA1"}
_NAMES = {
    "id": "user_id",
    "username": "username",
    "email": "email",
    "firstName": "given_name",
    "lastName": "family_name",
}


def from_keycloak(user: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row in Auth0's bulk form; raises RowFault. A disabled person is blocked."""
    members = Members.of("", user)
    row: dict[str, Any] = {ours: members.text(theirs, "") for theirs, ours in _NAMES.items()}
    if row["username"] == row["email"]:
        del row["username"]
    row |= {"user_metadata": dict(members.child("attributes").values), "created_at": user.get("createdTimestamp")}
    row |= {"email_verified": user.get("emailVerified") is True and bool(row["email"])}
    for credential in user.get("credentials") or ():
        found = Members.of("credentials", credential)
        kind = found.text("type", "")
        if kind == "password":
            row["password_hash"] = _read_password(found)
        elif kind == "otp":
            row.setdefault("mfa_factors", []).append({"totp": {"secret": _read_otp(found)}})
    return {name: value for name, value in row.items() if value} | (
        {"blocked": True} if user.get("enabled") is False else {}
    )


def _object(credential: Members, name: str) -> Members:
    """Return the members of an object that stands as JSON in a text."""
    try:
        return Members.of(credential.at(name), json.loads(credential.text(name)))
    except ValueError:
        raise RowFault(credential.at(name), "FORMAT", "It must be a JSON object in a text.") from None


def _read_password(credential: Members) -> str:
    secret, how = _object(credential, "secretData"), _object(credential, "credentialData")
    salt, checksum = (from_base64(secret.at(name), secret.text(name)) for name in ("salt", "value"))
    algorithm, iterations = how.text("algorithm"), how.number("hashIterations")
    if algorithm in _PBKDF2:
        return HashText.of_bytes(f"pbkdf2-{_PBKDF2[algorithm]}", {"i": iterations}, salt, checksum).write()
    if algorithm != "argon2":
        raise RowFault(how.at("algorithm"), "NOT_PASSED", "No library here verifies this algorithm.")
    more = {name: str(values[0]) for name, values in how.child("additionalParameters").values.items() if values}
    params = {"v": _ARGON2_VERSIONS.get(more.get("version", "1.3"), 0), "m": more.get("memory", ""), "t": iterations}
    scheme = f"argon2{more.get('type', 'id')}"
    return HashText.of_bytes(scheme, params | {"p": more.get("parallelism", "1")}, salt, checksum).write()


def _read_otp(credential: Members) -> str:
    """Return the secret in base32. Keycloak keeps it as a text, whose bytes are the key."""
    secret, how = _object(credential, "secretData").text("value"), _object(credential, "credentialData")
    if any(how.values.get(name, usual) != usual for name, usual in _OF_AN_APP.items()):
        raise RowFault(how.place, "MFA_FACTORS_FAILED", "Only codes of 6 digits, 30 seconds and SHA-1 are taken.")
    if how.values.get("secretEncoding") == "BASE32":
        return secret.rstrip("=")
    return b32encode(secret.encode()).decode().rstrip("=")
