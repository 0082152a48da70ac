"""Rows of other servers' exports. django_hashes.json was made by Django 5.2's hashers."""

import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from chalicelib.passwords.hash import verify
from infra.move.people.faults import RowFault
from infra.move.people.foreign.aspnet import from_aspnet
from infra.move.people.foreign.django import from_django
from infra.move.people.hashes import stored_hash

DJANGO = json.loads((Path(__file__).parents[1] / "flow" / "django_hashes.json").read_text("utf-8"))
SALT = b"0123456789abcdef"


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
