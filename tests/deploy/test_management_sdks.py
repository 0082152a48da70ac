"""Auth0's management clients, unchanged, against the deployed zip.

The API has a custom domain here, as node-auth0 needs: it takes no domain with a path, such as /dev.
"""

from collections.abc import Callable, Iterator

import httpx
import pytest

from infra.gateway.proxy_event import GatewayStage
from infra.gateway.tls import LocalCertificate, make_certificate
from tests.deploy.conftest import LIMIT_S, ON_ONE_WORKER, Deployment, gateway_of
from tests.support.lambda_runtime import Environment
from tests.support.management_sdk import CASES, Served
from tests.support.node import manage_by_node
from tests.support.server import serving

# auth0-python's own sources have such texts.
pytestmark = [ON_ONE_WORKER, pytest.mark.filterwarnings("ignore:invalid escape sequence")]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> LocalCertificate:
    return make_certificate("localhost", tmp_path_factory.mktemp("domain"))


@pytest.fixture(scope="module")
def issuer(
    deployment: Deployment, environment: Environment, managing: Environment, certificate: LocalCertificate
) -> Iterator[str]:
    """The URL of the deployed API behind a custom domain, which API Gateway takes from the Host header."""
    domain = GatewayStage("dev", api_id=deployment.rest_api_id)
    with serving(gateway_of(deployment, environment, managing, domain), certificate.tls) as port:
        yield f"https://localhost:{port}/"


@pytest.fixture
def served(issuer: str, certificate: LocalCertificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.ca_file))
    with httpx.Client(timeout=LIMIT_S) as http:
        yield Served(issuer, http)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_management_client_of_python_drives_the_zip(case: Callable[[Served], None], served: Served) -> None:
    case(served)


def test_management_client_of_node_drives_the_zip(issuer: str, certificate: LocalCertificate) -> None:
    manage_by_node(issuer, str(certificate.ca_file))


def test_issuer_of_the_custom_domain_has_no_path(served: Served) -> None:
    metadata = served.http.get(f"{served.url}.well-known/openid-configuration").json()
    assert metadata["issuer"] == served.url
