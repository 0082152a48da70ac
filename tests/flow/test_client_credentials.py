"""The client credentials grant (RFC 6749 4.4), through HTTP: a client on its own behalf, within its client grants."""

import json
from typing import Any

import httpx
import jwt
import pytest
from jwt.algorithms import RSAAlgorithm

from infra.stage.aws import Stage
from tests.support.access_tokens import verify_token
from tests.support.calls import calls_of
from tests.support.client_secrets import ASSERTION_TYPE, RSA_KEY, assertion, basic
from tests.support.clients import make_api, make_client
from tests.support.faults import aws_error, failing
from tests.support.fixed import ISSUER, Clock
from tests.support.http import REPORTS, TIMESHEETS, Http

M2M = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret"}
BEYOND = {"error": "invalid_scope", "error_description": "The scope is wider than what was granted."}


def ask(http: Http, **params: str | None) -> httpx.Response:
    """Ask for a token as demo-m2m, but for what params say otherwise."""
    return http.token({"grant_type": "client_credentials", "audience": TIMESHEETS, **M2M, **params})


def machine(stage: Stage, grants: dict[str, list[str]], **changes: Any) -> dict[str, str]:
    """Register a client with these client grants, and return its credentials."""
    return {"client_id": make_client(stage, secret="m2m", client_grants=grants, **changes), "client_secret": "m2m"}


def test_client_gets_what_its_client_grant_allows(http: Http) -> None:
    response = ask(http)
    body = response.json()

    assert response.status_code == 200
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 86_400, "read:timesheets")
    assert response.headers["Cache-Control"] == "no-store"


def test_claims_name_the_client_and_no_login(http: Http, clock: Clock) -> None:
    token = ask(http).json()["access_token"]

    # No auth_time and no amr: nobody logged in.
    assert verify_token(http, token) == {
        "iss": ISSUER,
        "sub": "demo-m2m@clients",
        "aud": TIMESHEETS,
        "iat": int(clock()),
        "exp": int(clock()) + 86_400,
        "jti": "jti-1",
        "client_id": "demo-m2m",
        "azp": "demo-m2m",
        "scope": "read:timesheets",
        "gty": "client-credentials",
    }
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"


def test_es256_api_signs_clients_tokens_too(http: Http, stage: Stage) -> None:
    body = ask(http, audience=REPORTS, **machine(stage, {REPORTS: ["read:reports"]})).json()

    assert jwt.get_unverified_header(body["access_token"])["alg"] == "ES256"
    assert verify_token(http, body["access_token"], REPORTS)["scope"] == "read:reports"
    assert body["expires_in"] == 600


def test_json_body_is_taken(http: Http) -> None:
    body = {"grant_type": "client_credentials", "audience": TIMESHEETS, "scope": None, **M2M}

    assert http.post("/oauth/token", json=body).status_code == 200


def test_missing_audience_is_told(http: Http) -> None:
    response = ask(http, audience=None)

    assert (response.status_code, response.json()) == (
        400,
        {"error": "invalid_request", "error_description": "Missing required parameter: audience"},
    )


def test_resource_names_the_audience_too(http: Http) -> None:
    # docs/use/http.md "Audience and scopes": the request's audience, or resource (RFC 8707), same meaning.
    response = ask(http, audience=None, resource=TIMESHEETS)

    assert response.status_code == 200
    assert verify_token(http, response.json()["access_token"])["aud"] == TIMESHEETS


def test_resource_beside_the_same_audience_is_taken(http: Http) -> None:
    assert ask(http, resource=TIMESHEETS).status_code == 200


def test_resource_that_differs_from_the_audience_is_refused(http: Http) -> None:
    response = ask(http, resource=REPORTS)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_unknown_audience_is_told(http: Http) -> None:
    response = ask(http, audience="https://api.example.com/nothing")

    assert (response.status_code, response.json()) == (
        400,
        {
            "error": "invalid_target",
            "error_description": "Service not found: https://api.example.com/nothing",
        },
    )


def test_audience_without_a_client_grant_is_denied(http: Http) -> None:
    response = ask(http, audience=REPORTS)

    assert (response.status_code, response.json()) == (
        403,
        {"error": "access_denied", "error_description": f"Client is not authorized to access {REPORTS}."},
    )


def test_client_with_the_grant_and_no_client_grant_at_all_is_denied(http: Http) -> None:
    response = ask(http, client_id="demo-backend", client_secret="demo-backend-secret")

    assert (response.status_code, response.json()["error"]) == (403, "access_denied")


def test_client_without_the_grant_is_unauthorized(http: Http, stage: Stage) -> None:
    response = ask(http, **machine(stage, {TIMESHEETS: ["read:timesheets"]}, grant_types=["password"]))

    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


def test_public_client_is_refused(http: Http, stage: Stage) -> None:
    grants = {TIMESHEETS: ["read:timesheets"]}
    client_id = make_client(stage, token_endpoint_auth_method="none", client_grants=grants)
    response = ask(http, client_id=client_id, client_secret=None)

    # RFC 6749 4.4: only confidential clients may use this grant; 5.2 has unauthorized_client for that.
    assert "access_token" not in response.json()
    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


@pytest.mark.parametrize("secret", [None, "wrong", ""])
def test_client_that_is_not_proved_is_refused(http: Http, secret: str | None) -> None:
    response = ask(http, client_secret=secret)

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_basic_client_gets_its_token(http: Http, stage: Stage) -> None:
    client = machine(stage, {TIMESHEETS: ["read:timesheets"]}, token_endpoint_auth_method="client_secret_basic")
    params = {"grant_type": "client_credentials", "audience": TIMESHEETS}
    response = http.token(params, Authorization=basic(client["client_id"], "m2m"))

    assert (response.status_code, response.json()["scope"]) == (200, "read:timesheets")


def test_private_key_jwt_client_gets_its_token(http: Http, stage: Stage) -> None:
    keys = [RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)]
    client_id = make_client(
        stage,
        token_endpoint_auth_method="private_key_jwt",
        jwks=keys,
        client_grants={TIMESHEETS: ["read:timesheets"]},
    )
    proof = {"client_assertion": assertion(client_id), "client_assertion_type": ASSERTION_TYPE}
    body = ask(http, client_id=None, client_secret=None, **proof).json()

    assert verify_token(http, body["access_token"])["sub"] == f"{client_id}@clients"


# Scopes.


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (None, "read:timesheets create:timesheets"),
        ("", "read:timesheets create:timesheets"),
        ("create:timesheets", "create:timesheets"),
        ("create:timesheets read:timesheets", "read:timesheets create:timesheets"),
        ("read:timesheets read:timesheets", "read:timesheets"),
    ],
)
def test_scope_within_the_client_grant_is_granted(http: Http, stage: Stage, asked: str | None, granted: str) -> None:
    client = machine(stage, {TIMESHEETS: ["read:timesheets", "create:timesheets"]})
    body = ask(http, scope=asked, **client).json()

    assert body["scope"] == granted
    assert verify_token(http, body["access_token"])["scope"] == granted


@pytest.mark.parametrize(
    "scope",
    [
        "delete:timesheets",
        "read:timesheets create:timesheets",
        "read:timesheets nothing",
        "openid",
        "openid read:timesheets",
        "offline_access",
        "read:timesheets offline_access",
        "READ:TIMESHEETS",
    ],
)
def test_scope_beyond_the_client_grant_is_refused(http: Http, scope: str) -> None:
    response = ask(http, scope=scope)

    assert (response.status_code, response.json()) == (400, BEYOND)


def test_scope_that_the_api_no_longer_has_is_not_granted(http: Http, stage: Stage) -> None:
    audience = make_api(stage, scopes=[{"value": "read:timesheets"}])
    client = machine(stage, {audience: ["read:timesheets", "create:timesheets"]})

    assert ask(http, audience=audience, **client).json()["scope"] == "read:timesheets"


def test_client_grant_without_a_scope_yields_a_token_without_one(http: Http, stage: Stage) -> None:
    client = machine(stage, {TIMESHEETS: []})

    assert ask(http, **client).json()["scope"] == ""
    assert ask(http, scope="read:timesheets", **client).json() == BEYOND


def test_client_grants_of_two_audiences_do_not_mix(http: Http, stage: Stage) -> None:
    client = machine(stage, {TIMESHEETS: ["read:timesheets"], REPORTS: ["read:reports"]})

    assert ask(http, **client).json()["scope"] == "read:timesheets"
    assert ask(http, audience=REPORTS, **client).json()["scope"] == "read:reports"
    assert ask(http, scope="read:reports", **client).json() == BEYOND


@pytest.mark.parametrize("scope", [None, "openid offline_access read:timesheets"])
def test_no_refresh_token_and_no_id_token_whatever_the_client_grant_says(
    http: Http, stage: Stage, scope: str | None
) -> None:
    # RFC 6749 4.4.3: a refresh token should not be included; an ID token would be nobody's.
    client = machine(stage, {TIMESHEETS: ["openid", "offline_access", "read:timesheets"]})
    response = ask(http, scope=scope, **client)

    assert response.status_code == 200
    assert not {"refresh_token", "id_token"} & set(response.json())


@pytest.mark.parametrize("param", ["username", "password", "realm"])
def test_parameters_of_other_grants_change_nothing(http: Http, param: str) -> None:
    assert verify_token(http, ask(http, **{param: "alice"}).json()["access_token"])["sub"] == "demo-m2m@clients"


# What it costs, and what stays of it.


def test_warm_grant_makes_one_call(http: Http, stage: Stage) -> None:
    ask(http)
    with calls_of(stage) as calls:
        assert ask(http).status_code == 200

    assert calls.made == ["Sign"]
    assert http.log[-1]["aws_calls"] == 1


def test_grant_that_is_refused_signs_nothing(http: Http, stage: Stage) -> None:
    ask(http)
    with calls_of(stage) as calls:
        ask(http, scope="delete:timesheets")
        ask(http, client_secret="wrong")

    assert "Sign" not in calls.made


def test_failing_key_answers_503_and_the_retry_passes(http: Http, stage: Stage) -> None:
    with failing(stage, "Sign", aws_error("ThrottlingException")):
        response = ask(http)

    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert ask(http).status_code == 200


def test_outcomes_are_logged_by_their_codes_and_nothing_secret(http: Http) -> None:
    token = ask(http).json()["access_token"]
    ask(http, audience=REPORTS)
    ask(http, scope="delete:timesheets")

    assert [line["event"] for line in http.log] == ["seccft", "feccft", "feccft"]
    assert {line["client_id"] for line in http.log} == {"demo-m2m"}
    assert not any(secret in json.dumps(http.log) for secret in (token, M2M["client_secret"]))
