"""The issuer, where no setting names it: read off API Gateway's request context alone."""

from collections.abc import Iterator

import jwt
import pytest
from chalice.app import Request as ChaliceRequest

from chalicelib import wiring
from chalicelib.http.wire import RequestReader
from chalicelib.model.request import Outcome
from infra.gateway.proxy_event import GatewayStage, HttpRequest, proxy_event
from infra.stage.aws import Stage
from tests.support.http import Http
from tests.support.stages import client_of

DOMAIN = "abc123.execute-api.eu-west-1.amazonaws.com"
ON_ITS_STAGE = GatewayStage(name="dev", base_path="/dev", domain_name=DOMAIN)
ON_A_DOMAIN = GatewayStage(name="prod", base_path="", domain_name="login.example.com")
UNDER_A_MAPPING = GatewayStage(name="prod", base_path="/auth/v1", domain_name="example.com")
TOKEN = "/oauth/token"
CONFIGURATION = "/.well-known/openid-configuration"
AUTHENTICATOR = "/mfa/authenticators/{id}"
FORGED = [("Host", "evil.example"), ("X-Forwarded-Host", "evil.example"), ("Forwarded", "host=evil.example;proto=http")]


def issuer_of(api: GatewayStage, path: str, resource: str, setting: str = "", **headers: str) -> str:
    """Return the issuer that a request to this path of the API is answered by."""
    sent = (("host", api.domain_name), *headers.items())
    request = HttpRequest("id-1", "GET", path, "", sent, b"", "10.255.0.4", "https", 443)
    parameters = {"id": "recovery-code|dev_1"} if "{" in resource else {}
    event = ChaliceRequest(proxy_event(request, resource, parameters, api))
    return RequestReader(setting).read(event, frozenset(), Outcome()).issuer


@pytest.mark.parametrize(
    ("api", "issuer"),
    [
        pytest.param(ON_ITS_STAGE, f"https://{DOMAIN}/dev/", id="stage in the path"),
        pytest.param(ON_A_DOMAIN, "https://login.example.com/", id="domain of its own"),
        pytest.param(UNDER_A_MAPPING, "https://example.com/auth/v1/", id="base path mapping"),
    ],
)
@pytest.mark.parametrize(
    ("path", "resource"),
    [
        (TOKEN, TOKEN),
        (f"{TOKEN}/", TOKEN),
        ("/userinfo", "/userinfo"),
        (CONFIGURATION, CONFIGURATION),
        ("/mfa/authenticators/recovery-code%7Cdev_1", AUTHENTICATOR),
        ("/mfa/authenticators/dev/", AUTHENTICATOR),
    ],
)
def test_issuer_is_what_stands_before_the_resource(api: GatewayStage, issuer: str, path: str, resource: str) -> None:
    assert issuer_of(api, path, resource) == issuer


def test_stage_named_like_the_resource_is_kept() -> None:
    api = GatewayStage(name="oauth", base_path="/oauth", domain_name=DOMAIN)

    assert issuer_of(api, TOKEN, TOKEN) == f"https://{DOMAIN}/oauth/"


@pytest.mark.parametrize(("header", "value"), FORGED)
def test_no_header_moves_the_issuer(header: str, value: str) -> None:
    forged = {header.lower(): value}

    assert issuer_of(ON_ITS_STAGE, TOKEN, TOKEN, **forged) == f"https://{DOMAIN}/dev/"


def test_setting_comes_before_the_request() -> None:
    assert issuer_of(ON_ITS_STAGE, TOKEN, TOKEN, "https://login.example.com/") == "https://login.example.com/"


@pytest.fixture
def unnamed(stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    """A client of an API on API Gateway's own domain, whose issuer no setting names."""
    with client_of(stage, externals, "", ON_ITS_STAGE) as client:
        yield client


@pytest.mark.parametrize(("header", "value"), FORGED)
def test_forged_host_moves_neither_metadata_nor_tokens(unnamed: Http, header: str, value: str) -> None:
    metadata = unnamed.get(f"/dev{CONFIGURATION}", headers={header: value}).json()
    login = {"grant_type": "password", "client_id": "demo-native", "username": "alice", "scope": "openid"}
    form = login | {"password": "correct horse battery staple"}
    answer = unnamed.post(f"/dev{TOKEN}", data=form, headers={header: value}).json()
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})

    assert metadata["issuer"] == claims["iss"] == f"https://{DOMAIN}/dev/"
    assert claims["aud"] == f"{metadata['issuer']}userinfo"
    assert "evil.example" not in str(metadata)
