"""Metadata and keys (RFC 8414, OpenID Connect Discovery, RFC 7517), through HTTP. Rows L of the case list."""

from collections.abc import Iterator

import jwt
import pytest

from app import app
from chalicelib import wiring
from chalicelib.settings import Settings
from infra.aws import Stage
from infra.proxy_event import Stage as ApiStage
from tests.conftest import BCRYPT_COST, ISSUER
from tests.support.http import Http

CONFIGURATION = "/.well-known/openid-configuration"
SERVER = "/.well-known/oauth-authorization-server"
JWKS = "/.well-known/jwks.json"


@pytest.mark.parametrize("path", [CONFIGURATION, SERVER])
def test_metadata_names_the_issuer_and_what_works_l01_l02_l07(http: Http, path: str) -> None:
    response = http.get(path)

    assert response.status_code == 200
    assert response.json() == {
        "issuer": ISSUER,
        "token_endpoint": f"{ISSUER}oauth/token",
        "jwks_uri": f"{ISSUER}.well-known/jwks.json",
        "grant_types_supported": ["password", "http://auth0.com/oauth/grant-type/password-realm"],
        "response_types_supported": [],
        "scopes_supported": ["openid", "profile", "email", "phone", "address"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "none",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
    }


def test_every_url_listed_answers_l03(http: Http) -> None:
    metadata = http.get(CONFIGURATION).json()

    assert http.get(metadata["jwks_uri"].removeprefix(ISSUER[:-1])).status_code == 200
    assert http.post(metadata["token_endpoint"].removeprefix(ISSUER[:-1])).status_code == 400


@pytest.mark.parametrize("path", [CONFIGURATION, SERVER, JWKS])
def test_metadata_may_be_cached_for_five_minutes_l06(http: Http, path: str) -> None:
    headers = http.get(path).headers

    assert headers["Cache-Control"] == "public, max-age=300"
    assert "Pragma" not in headers


def test_keys_are_public_and_large_enough_l08(http: Http) -> None:
    keys = http.get(JWKS).json()["keys"]

    assert {(key["kty"], key["alg"], key["use"]) for key in keys} == {("RSA", "RS256", "sig"), ("EC", "ES256", "sig")}
    assert len({key["kid"] for key in keys}) == len(keys)
    assert not any({"d", "p", "q", "dp", "dq", "qi", "k"} & set(key) for key in keys)
    (modulus,) = (key["n"] for key in keys if key["kty"] == "RSA")
    assert len(jwt.utils.base64url_decode(modulus)) == 256


@pytest.fixture
def unnamed(stage: Stage, world: wiring.World) -> Iterator[Http]:
    """A client of an API on API Gateway's own domain, for a server whose issuer no setting names."""
    services = wiring.build(Settings(stage.name, "", BCRYPT_COST), stage.clients, world)
    before = app.services, app.emit
    api = ApiStage(name="dev", base_path="/dev", domain_name="abc123.execute-api.eu-west-1.amazonaws.com")
    client = Http(app, "10.255.0.1", api)
    app.services, app.emit = lambda: services, client.log.append
    yield client
    app.services, app.emit = before


def test_issuer_is_read_off_the_request_context_where_no_setting_names_it(unnamed: Http) -> None:
    metadata = unnamed.get(f"/dev{CONFIGURATION}").json()

    assert metadata["issuer"] == "https://abc123.execute-api.eu-west-1.amazonaws.com/dev/"
    assert metadata["jwks_uri"] == f"{metadata['issuer']}.well-known/jwks.json"


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Forwarded"])
def test_forged_host_changes_no_issuer_l05(unnamed: Http, header: str) -> None:
    forged = unnamed.get(f"/dev{CONFIGURATION}", headers={header: "evil.example"}).json()

    assert forged["issuer"] == "https://abc123.execute-api.eu-west-1.amazonaws.com/dev/"
