"""Metadata and keys (RFC 8414, OpenID Connect Discovery, RFC 7517), through HTTP."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from jwt.algorithms import RSAAlgorithm

from chalicelib import wiring
from chalicelib.settings import Settings
from infra.gateway.proxy_event import GatewayStage
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.client_secrets import ASSERTION_TYPE, RSA_KEY, assertion, basic
from tests.support.clients import make_client
from tests.support.fixed import BCRYPT_COST, ISSUER
from tests.support.http import ALICE, PASSWORD_REALM, Http
from tests.support.people import PeopleMaker
from tests.support.stages import client_of, provision_stage

CONFIGURATION = "/.well-known/openid-configuration"
SERVER = "/.well-known/oauth-authorization-server"
JWKS = "/.well-known/jwks.json"
MFA = [f"http://auth0.com/oauth/grant-type/mfa-{factor}" for factor in ("otp", "oob", "recovery-code")]
CONFIDENTIAL = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
CLAIMS = [
    *("iss", "sub", "aud", "iat", "exp", "auth_time", "amr"),
    *("name", "given_name", "family_name", "nickname", "preferred_username", "picture", "updated_at"),
    *("email", "email_verified", "phone_number", "phone_number_verified"),
]


@pytest.mark.parametrize("path", [CONFIGURATION, SERVER])
def test_metadata_names_the_issuer_and_what_works(http: Http, path: str) -> None:
    response = http.get(path)

    assert response.status_code == 200
    assert response.json() == {
        "issuer": ISSUER,
        "token_endpoint": f"{ISSUER}oauth/token",
        "userinfo_endpoint": f"{ISSUER}userinfo",
        "revocation_endpoint": f"{ISSUER}oauth/revoke",
        "introspection_endpoint": f"{ISSUER}oauth/introspect",
        "mfa_challenge_endpoint": f"{ISSUER}mfa/challenge",
        "jwks_uri": f"{ISSUER}.well-known/jwks.json",
        "grant_types_supported": ["password", PASSWORD_REALM, "refresh_token", "client_credentials", *MFA],
        "response_types_supported": [],
        "scopes_supported": ["openid", "profile", "email", "phone", "address", "offline_access"],
        "claims_supported": CLAIMS,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": [*CONFIDENTIAL, "none"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256", "PS256"],
        "revocation_endpoint_auth_methods_supported": [*CONFIDENTIAL, "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256", "PS256"],
        "introspection_endpoint_auth_methods_supported": CONFIDENTIAL,
        "introspection_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256", "PS256"],
    }


@pytest.mark.parametrize("grant_types", [("refresh_token",), ("client_credentials", "password")], ids="-".join)
def test_grants_are_listed_where_a_client_has_them(
    stage: Stage, demo: TenantFile, externals: wiring.Externals, grant_types: tuple[str, ...]
) -> None:
    (basic_client,) = (client for client in demo.clients if client.client_id == "demo-basic")
    client = basic_client.model_copy(update={"grant_types": grant_types})
    alone = provision_stage(f"only-{len(grant_types)}", demo.model_copy(update={"clients": (client,)}))
    with client_of(alone, externals) as http:
        assert sorted(http.get(CONFIGURATION).json()["grant_types_supported"]) == sorted(grant_types)


def urls_of(metadata: dict[str, Any]) -> dict[str, str]:
    """Return every URL that the metadata lists, by its name."""
    return {name: url for name, url in metadata.items() if name.endswith("_endpoint") or name.endswith("_uri")}


def path_of(url: str) -> str:
    return url.removeprefix(ISSUER[:-1])


# What each URL takes, and what it answers to a request without anything.
ANSWERS = {
    "token_endpoint": {"POST": 400},
    "userinfo_endpoint": {"GET": 401, "POST": 401},
    "revocation_endpoint": {"POST": 401},
    "introspection_endpoint": {"POST": 401},
    "mfa_challenge_endpoint": {"POST": 401},
    "jwks_uri": {"GET": 200},
}


def test_every_url_listed_answers(http: Http) -> None:
    urls = urls_of(http.get(CONFIGURATION).json())

    assert set(urls) == set(ANSWERS)
    for name, url in urls.items():
        for method, status in ANSWERS[name].items():
            assert (name, method, http.request(method, path_of(url)).status_code) == (name, method, status)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_urls_listed_take_no_other_method(http: Http, method: str) -> None:
    for name, url in urls_of(http.get(CONFIGURATION).json()).items():
        if method not in ANSWERS[name]:
            response = http.request(method, path_of(url))
            assert (name, response.status_code, response.json()["error"]) == (name, 405, "method_not_allowed")


@pytest.fixture
def credentials(stage: Stage) -> Callable[[str], dict[str, Any]]:
    """Makes a client of an authentication method, and what it sends to prove itself, as options of a request."""
    jwks = [RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)]

    def made(method: str) -> dict[str, Any]:
        keys = jwks if method == "private_key_jwt" else []
        secret = "s" if method.startswith("client_secret") else None
        client_id = make_client(stage, secret=secret, token_endpoint_auth_method=method, jwks=keys)
        ways: dict[str, dict[str, Any]] = {
            "none": {"data": {"client_id": client_id}},
            "client_secret_post": {"data": {"client_id": client_id, "client_secret": "s"}},
            "client_secret_basic": {"data": {}, "headers": {"Authorization": basic(client_id, "s")}},
            "private_key_jwt": {
                "data": {"client_assertion": assertion(client_id), "client_assertion_type": ASSERTION_TYPE}
            },
        }
        return ways[method]

    return made


@pytest.mark.parametrize(
    ("endpoint", "params"),
    [
        ("token", {"grant_type": "password", **ALICE}),
        ("revocation", {"token": "x"}),
        ("introspection", {"token": "x"}),
    ],
)
def test_authentication_methods_listed_are_those_taken(
    http: Http, credentials: Callable[[str], dict[str, Any]], endpoint: str, params: dict[str, str]
) -> None:
    metadata = http.get(CONFIGURATION).json()
    statuses = {}
    for method in [*CONFIDENTIAL, "none"]:
        options = credentials(method)
        options["data"] |= params
        statuses[method] = http.post(path_of(metadata[f"{endpoint}_endpoint"]), **options).status_code

    listed = metadata[f"{endpoint}_endpoint_auth_methods_supported"]
    assert statuses == {method: 200 if method in listed else 401 for method in statuses}


def test_scopes_listed_can_all_be_granted(http: Http) -> None:
    listed = http.get(CONFIGURATION).json()["scopes_supported"]

    granted = http.login(scope=" ".join([*listed, "read:timesheets"])).json()["scope"]
    assert granted.split() == [*listed, "read:timesheets"]


def test_claims_listed_are_those_that_an_id_token_can_hold(http: Http, people: PeopleMaker) -> None:
    names = ("name", "given_name", "family_name", "nickname", "picture", "phone_number")
    user = people.make(**dict.fromkeys(names, "known"))
    metadata = http.get(CONFIGURATION).json()
    id_token = http.login(username=user.username, scope=" ".join(metadata["scopes_supported"])).json()["id_token"]

    assert sorted(jwt.decode(id_token, options={"verify_signature": False})) == sorted(metadata["claims_supported"])


@pytest.mark.parametrize("path", [CONFIGURATION, SERVER, JWKS])
def test_metadata_may_be_cached_for_five_minutes(http: Http, path: str) -> None:
    headers = http.get(path).headers

    assert headers["Cache-Control"] == "public, max-age=300"
    assert "Pragma" not in headers


def test_keys_are_public_and_large_enough(http: Http) -> None:
    keys = http.get(JWKS).json()["keys"]

    assert {(key["kty"], key["alg"], key["use"]) for key in keys} == {("RSA", "RS256", "sig"), ("EC", "ES256", "sig")}
    assert len({key["kid"] for key in keys}) == len(keys)
    assert not any({"d", "p", "q", "dp", "dq", "qi", "k"} & set(key) for key in keys)
    (modulus,) = (key["n"] for key in keys if key["kty"] == "RSA")
    assert len(jwt.utils.base64url_decode(modulus)) == 256


@pytest.fixture
def unnamed(stage: Stage, externals: wiring.Externals) -> Http:
    """A client of an API on API Gateway's own domain, for a server whose issuer no setting names."""
    services = wiring.build(Settings(stage.name, "", BCRYPT_COST), stage.aws, externals)
    api = GatewayStage(name="dev", base_path="/dev", domain_name="abc123.execute-api.eu-west-1.amazonaws.com")
    return Http(lambda: services, "10.255.0.1", api)


def test_issuer_is_read_off_the_request_context_where_no_setting_names_it(unnamed: Http) -> None:
    metadata = unnamed.get(f"/dev{CONFIGURATION}").json()

    assert metadata["issuer"] == "https://abc123.execute-api.eu-west-1.amazonaws.com/dev/"
    assert {url.removeprefix(metadata["issuer"]) for url in urls_of(metadata).values()} == {
        "oauth/token",
        "userinfo",
        "oauth/revoke",
        "oauth/introspect",
        "mfa/challenge",
        ".well-known/jwks.json",
    }


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Forwarded"])
def test_forged_host_changes_no_issuer(unnamed: Http, header: str) -> None:
    forged = unnamed.get(f"/dev{CONFIGURATION}", headers={header: "evil.example"}).json()

    assert forged["issuer"] == "https://abc123.execute-api.eu-west-1.amazonaws.com/dev/"
