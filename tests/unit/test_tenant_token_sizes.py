"""A role of a tenant file whose tokens KMS would not sign is a fault."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.tenant_documents import client, small_document
from tests.support.tenant_text import faults, load_text

BIG = "https://api.example.com/big"
MANY = [f"write:thing-number-{number:03}" for number in range(120)]


def document(dialect: str, enforced: bool, permitted: list[str], **changes: Any) -> str:
    api = {
        "identifier": BIG,
        "name": "Big",
        "scopes": [{"value": one} for one in MANY],
        "token_dialect": dialect,
        "enforce_policies": enforced,
    }
    role = {"name": "editor", "permissions": [{"api": BIG, "value": one} for one in permitted]}
    return yaml.safe_dump(small_document(apis=[api], roles=[role], **changes))


@pytest.mark.parametrize(
    ("dialect", "enforced", "number"),
    [
        ("access_token_authz", True, 70),
        ("rfc9068_profile_authz", False, 20),
        ("rfc9068_profile", True, 120),
    ],
)
def test_role_whose_token_would_be_too_long_is_named_with_the_api_and_the_size(
    tmp_path: Path, dialect: str, enforced: bool, number: int
) -> None:
    ((_, said),) = faults(tmp_path, document(dialect, enforced, MANY[:number]))

    assert said.startswith(f"with role `editor` alone, a token for API `{BIG}` can have ")
    (size,) = re.findall(r"can have ([0-9,]+) bytes to sign, and 4,096 are signed", said)
    assert 4_096 < int(size.replace(",", "")) < 6_000


@pytest.mark.parametrize(
    ("dialect", "enforced", "number"),
    [
        ("access_token_authz", True, 40),
        ("rfc9068_profile", True, 70),
        # Without either, the role is not what makes the token long.
        ("rfc9068_profile", False, 120),
        ("access_token_authz", False, 0),
    ],
)
def test_role_whose_token_fits_is_taken(tmp_path: Path, dialect: str, enforced: bool, number: int) -> None:
    load_text(tmp_path, document(dialect, enforced, MANY[:number]))


@pytest.mark.parametrize(
    "changes",
    [
        {"apis": [{"audience": BIG, "scope": MANY[:10]}]},
        {"apis": []},
        {"grant_types": ["refresh_token"]},
    ],
    ids=["bounded scopes", "no apis", "no password"],
)
def test_role_is_as_long_as_the_clients_let_its_token_be(tmp_path: Path, changes: dict[str, Any]) -> None:
    load_text(tmp_path, document("access_token_authz", True, MANY, clients=[client(**changes)]))
