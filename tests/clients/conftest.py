"""Two local runs for all tests of this folder: one over HTTP, one over HTTPS."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.support.local_run import LocalProcess, local_run
from tests.support.tenant_documents import demo_document, write

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests on one worker, where they share the runs."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("clients"))


@dataclass(frozen=True, slots=True)
class SigningClient:
    """A client that authenticates with private_key_jwt."""

    client_id: str
    alg: str
    key: PrivateKey

    @property
    def pem(self) -> str:
        """The private key, as applications keep it."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def registration(self) -> dict[str, Any]:
        """The client as a tenant file has it."""
        return {
            "client_id": self.client_id,
            "name": self.client_id,
            "token_endpoint_auth_method": "private_key_jwt",
            "grant_types": ["password", "http://auth0.com/oauth/grant-type/password-realm"],
            "realms": ["employees", "customers"],
            "jwks": {"keys": [_public_jwk(self.key, self.alg)]},
        }


def _public_jwk(key: PrivateKey, alg: str) -> dict[str, str]:
    public: Any = key.public_key()
    made = json.loads((RSAAlgorithm if alg == "RS256" else ECAlgorithm).to_jwk(public))
    return {"alg": alg} | {name: made[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in made}


@pytest.fixture(scope="session")
def signing_clients() -> dict[str, SigningClient]:
    """One client for each algorithm."""
    keys: dict[str, PrivateKey] = {
        "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
    }
    return {alg: SigningClient(f"signs-{alg.lower()}", alg, key) for alg, key in keys.items()}


@pytest.fixture(scope="session")
def run(signing_clients: dict[str, SigningClient], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """A run of the demo tenant, with clients that sign."""
    directory, document = tmp_path_factory.mktemp("http"), demo_document()
    document["clients"] += [one.registration for one in signing_clients.values()]
    with local_run(directory, "--tenant", write(directory, document)) as run:
        yield run


@pytest.fixture(scope="session")
def tls_run(
    signing_clients: dict[str, SigningClient], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalProcess]:
    """A run over HTTPS, of a tenant without an API that signs with ES256."""
    directory, document = tmp_path_factory.mktemp("https[red]"), demo_document()
    document["clients"] += [one.registration for one in signing_clients.values()]
    document["apis"] = [api for api in document["apis"] if api["signing_alg"] == "RS256"]
    with local_run(directory, "--tenant", write(directory, document), "--tls") as run:
        yield run


@pytest.fixture
def trusted(tls_run: LocalProcess, monkeypatch: pytest.MonkeyPatch) -> LocalProcess:
    """The run over HTTPS, trusted the way that it says."""
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, tls_run.ca_file)
    return tls_run
