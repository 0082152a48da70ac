"""Rows of other servers' exports. django_hashes.json was made by Django 5.2's hashers."""

import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from argon2.low_level import Type, hash_secret_raw

from chalicelib.passwords.hash import verify
from infra.move.people.faults import RowFault
from infra.move.people.foreign.aspnet import from_aspnet
from infra.move.people.foreign.django import from_django
from infra.move.people.foreign.firebase import from_firebase, parse_hash_config
from infra.move.people.foreign.keycloak import from_keycloak
from infra.move.people.forms import from_auth0
from infra.move.people.hashes import stored_hash
from infra.move.people.schema import PersonRow, parse_row

DJANGO = json.loads((Path(__file__).parents[1] / "flow" / "django_hashes.json").read_text("utf-8"))
SALT = b"0123456789abcdef"
HASH_OF_AUTH0 = "$2b$10$" + "a" * 53


@pytest.mark.parametrize("vector", DJANGO, ids=lambda vector: vector["django"].partition("$")[0])
def test_person_of_django_keeps_the_password(vector: dict[str, Any]) -> None:
    fields = {"username": "ada", "email": "ada@example.com", "password": vector["django"], "is_active": False}
    row = from_django({"model": "auth.user", "pk": 7, "fields": fields})

    assert (row["user_id"], row["username"], row["blocked"]) == ("7", "ada", True)
    assert verify(vector["password"], stored_hash(row))
    assert not verify("another", stored_hash(row))


@pytest.mark.parametrize("value", ["", "!unusable", "!"])
def test_unusable_password_of_django_is_none(value: str) -> None:
    assert stored_hash(from_django({"id": 1, "username": "ada", "password": value})) == ""


@pytest.mark.parametrize("value", ["crypt$a$b", "pbkdf2_sha256$x$salt$aGFzaA==", "scrypt$3$s$8$1$aGFzaA==", "nothing"])
def test_other_text_of_django_is_refused(value: str) -> None:
    with pytest.raises(RowFault) as refused:
        stored_hash(from_django({"id": 1, "username": "ada", "password": value}))

    assert value not in str(refused.value)


@pytest.mark.parametrize(("number", "digest"), [(None, "sha1"), (0, "sha1"), (1, "sha256"), (2, "sha512")])
def test_person_of_aspnet_keeps_the_password(number: int | None, digest: str) -> None:
    """The layouts are those of Identity's PasswordHasher; version 2 has no head."""
    checksum = hashlib.pbkdf2_hmac(digest, b"secret", SALT, 1000, 32)
    head = b"\0" if number is None else b"\1" + b"".join(part.to_bytes(4) for part in (number, 1000, len(SALT)))
    row = from_aspnet(
        {
            "Id": "a-guid",
            "UserName": "ada@example.com",
            "Email": "ada@example.com",
            "EmailConfirmed": True,
            "PasswordHash": b64encode(head + SALT + checksum).decode(),
        }
    )

    assert (row["user_id"], row["email_verified"], "username" in row) == ("a-guid", True, False)
    assert verify("secret", stored_hash(row))
    assert not verify("Secret", stored_hash(row))


# The example of Firebase's own scrypt program, which firebase-scrypt of npm gives too.
FIREBASE_CONFIG = {
    "algorithm": "SCRYPT",
    "base64_signer_key": "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
    "base64_salt_separator": "Bw==",
    "rounds": 8,
    "mem_cost": 14,
}
FIREBASE_HASH = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="


def test_person_of_firebase_keeps_the_password_and_the_signer_key_is_not_stored() -> None:
    user = {"localId": "a1B2", "email": "ada@example.com", "passwordHash": FIREBASE_HASH, "salt": "42xEC+ixf3L2lw=="}
    row = from_firebase(user | {"createdAt": "1500000000123", "disabled": True}, FIREBASE_CONFIG)
    stored = stored_hash(row)

    assert (row["user_id"], row["created_at"], row["blocked"]) == ("a1B2", 1_500_000_000, True)
    assert verify("user1password", stored)
    assert not verify("user1passwore", stored)
    assert str(FIREBASE_CONFIG["base64_signer_key"])[:20] not in stored


def keycloak(secret: dict[str, Any], how: dict[str, Any], kind: str = "password") -> dict[str, Any]:
    credential = {"type": kind, "secretData": json.dumps(secret), "credentialData": json.dumps(how)}
    return {"id": "a-uuid", "username": "ada", "email": "ada@example.com", "credentials": [credential]}


@pytest.mark.parametrize(
    ("name", "digest"), [("pbkdf2", "sha1"), ("pbkdf2-sha256", "sha256"), ("pbkdf2-sha512", "sha512")]
)
def test_person_of_keycloak_keeps_the_password(name: str, digest: str) -> None:
    checksum = hashlib.pbkdf2_hmac(digest, b"secret", SALT, 1000, 64)
    secret = {"value": b64encode(checksum).decode(), "salt": b64encode(SALT).decode()}
    row = from_keycloak(keycloak(secret, {"hashIterations": 1000, "algorithm": name}) | {"enabled": False})

    assert (row["user_id"], row["username"], row["blocked"]) == ("a-uuid", "ada", True)
    assert verify("secret", stored_hash(row))
    assert not verify("Secret", stored_hash(row))


def test_argon2_of_keycloak_is_verified() -> None:
    checksum = hash_secret_raw(b"secret", SALT, 2, 1024, 1, 32, Type.ID)
    secret = {"value": b64encode(checksum).decode(), "salt": b64encode(SALT).decode()}
    more = {"hashLength": ["32"], "memory": ["1024"], "type": ["id"], "version": ["1.3"], "parallelism": ["1"]}
    row = from_keycloak(keycloak(secret, {"hashIterations": 2, "algorithm": "argon2", "additionalParameters": more}))

    assert verify("secret", stored_hash(row))


def test_code_app_of_keycloak_is_a_factor_or_refuses_the_row() -> None:
    usual = {"subType": "totp", "digits": 6, "period": 30, "algorithm": "HmacSHA1"}

    row = from_keycloak(keycloak({"value": "Hello!"}, usual, "otp"))
    assert row["mfa_factors"] == [{"totp": {"secret": "JBSWY3DPEE"}}]
    with pytest.raises(RowFault) as refused:
        from_keycloak(keycloak({"value": "Hello!"}, usual | {"digits": 8}, "otp"))
    assert refused.value.code == "MFA_FACTORS_FAILED"


def test_parameters_of_firebase_are_read_as_json_and_as_the_console_shows_them() -> None:
    lines = ",\n".join(f"  {name}: {value}" for name, value in FIREBASE_CONFIG.items())

    assert parse_hash_config(json.dumps(FIREBASE_CONFIG)) == FIREBASE_CONFIG
    assert parse_hash_config(f"hash_config {{\n{lines},\n}}") == FIREBASE_CONFIG


OF_SUPPORT = {
    "_id": {"$oid": "5dea9f9c82dd7c0e76e4ec93"},
    "email_verified": False,
    "email": "ada@example.com",
    "passwordHash": HASH_OF_AUTH0,
    "password_set_date": {"$date": "2019-12-06T18:36:12.412Z"},
    "tenant": "acme",
    "connection": "Username-Password-Authentication",
    "_tmp_is_unique": True,
    "identifiers": [{"type": "email", "value": "ada@example.com", "verified": False}],
}


def test_row_of_the_hash_export_of_auth0s_support_is_read_whole() -> None:
    row = from_auth0(OF_SUPPORT)

    assert row == {
        "user_id": "auth0|5dea9f9c82dd7c0e76e4ec93",
        "email": "ada@example.com",
        "email_verified": False,
        "password_hash": HASH_OF_AUTH0,
        "last_password_reset": {"$date": "2019-12-06T18:36:12.412Z"},
    }
    assert isinstance(parse_row(row), PersonRow)


def test_id_that_a_team_gave_stands_for_the_object_id() -> None:
    assert from_auth0(OF_SUPPORT | {"alt_id": "euclid"})["user_id"] == "auth0|euclid"


def test_identifiers_stand_for_absent_fields() -> None:
    bare = {name: value for name, value in OF_SUPPORT.items() if name not in ("email", "email_verified")}
    listed = [
        {"type": "email", "value": "ada@example.com", "verified": True},
        {"type": "username", "value": "ada"},
        {"type": "phone_number", "value": "+14155550100", "verified": True},
        "odd",
    ]
    row = from_auth0(bare | {"identifiers": listed})

    assert (row["email"], row["email_verified"], row["username"]) == ("ada@example.com", True, "ada")
    assert (row["phone_number"], row["phone_verified"]) == ("+14155550100", True)
