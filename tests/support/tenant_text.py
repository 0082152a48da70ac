"""Tenant files as text: load them, and return their faults."""

import json
import traceback
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from infra.tenant.faults import TenantFileError
from infra.tenant.file import load
from infra.tenant.schema import TenantFile

DEMO = Path(__file__).parents[2] / "infra" / "local" / "demo-tenant.yaml"
CANARY = "c4n4ry-hunter2"
HASH = "$2b$04$" + "a" * 53

TENANT = "tenant: {friendly_name: T}\n"
REALMS = "realms:\n  - {name: staff, identifiers: [username, email]}\n  - {name: shop, identifiers: [email]}\n"
APIS = 'apis:\n  - {identifier: "https://api", name: A, scopes: [{value: read}, {value: write}]}\n'
BASE = TENANT + REALMS + APIS


def load_text(tmp_path: Path, text: str) -> TenantFile:
    path = tmp_path / "tenant.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def faults(tmp_path: Path, text: str) -> list[tuple[int, str]]:
    with pytest.raises(TenantFileError) as caught:
        load_text(tmp_path, text)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    return [(fault.line, fault.message) for fault in caught.value.faults]


def marked_line(text: str) -> int:
    """Return the number of the line with `# here`."""
    return next(number for number, line in enumerate(text.split("\n"), 1) if "# here" in line)


def client(fields: str) -> str:
    return (
        BASE + "clients:\n  - client_id: app\n    name: App\n" + "".join(f"    {line}\n" for line in fields.split("\n"))
    )


def user(fields: str, realm: str = "staff") -> str:
    return BASE + f"users:\n  {realm}:\n    - {{{fields}}} # here\n"


def rsa_jwk(bits: int = 2048) -> dict[str, str]:
    public = rsa.generate_private_key(65537, bits).public_key()
    made = RSAAlgorithm.to_jwk(public, as_dict=True)
    return {name: made[name] for name in ("kty", "n", "e")}


def ec_jwk(curve: ec.EllipticCurve | None = None) -> dict[str, str]:
    made = ECAlgorithm.to_jwk(ec.generate_private_key(curve or ec.SECP256R1()).public_key(), as_dict=True)
    return {name: made[name] for name in ("kty", "crv", "x", "y")}


def jwt_client(*keys: Mapping[str, object]) -> str:
    return client(
        f"grant_types: []\ntoken_endpoint_auth_method: private_key_jwt\njwks: {{keys: {json.dumps(keys)}}} # here"
    )
