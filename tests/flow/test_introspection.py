"""/oauth/introspect (RFC 7662), through HTTP. Forged tokens are in test_userinfo.py."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from jwt.algorithms import RSAAlgorithm

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.access_tokens import verify_token
from tests.support.calls import calls_of
from tests.support.client_secrets import ASSERTION_TYPE, BASIC_ID, BASIC_SECRET, RSA_KEY, assertion, basic
from tests.support.clients import make_api, make_client
from tests.support.faults import aws_error, failing
from tests.support.fixed import ISSUER, Clock
from tests.support.http import BACKEND, REPORTS, TIMESHEETS, Http
from tests.support.people import PeopleMaker
from tests.support.stages import client_of

INACTIVE = {"active": False}
OFFLINE = "offline_access read:timesheets"
MONTH_S = 2_592_000
NATIVE = {"client_id": "demo-native"}
M2M = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret"}

Client = dict[str, str]


def introspect(http: Http, token: str, client: Client = BACKEND, **params: str) -> httpx.Response:
    return http.post("/oauth/introspect", data={"token": token, **client, **params})


def told(http: Http, token: str, client: Client = BACKEND) -> dict[str, Any]:
    """Return what a client is told of a token."""
    response = introspect(http, token, client)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = response.json()
    return body


def refresh_token(http: Http, client: Client = BACKEND, **params: str | None) -> str:
    """Log in through a client, and return the refresh token."""
    credentials: dict[str, str | None] = {"client_id": None, "client_secret": None}
    token: str = http.login(**credentials | client | {"scope": OFFLINE} | params).json()["refresh_token"]
    return token


def client_with(stage: Stage, **changes: Any) -> Client:
    """Register a client whose refresh tokens rotate, but for the changes of their policy."""
    policy = {
        "rotation_type": "rotating",
        "leeway": 0,
        "token_lifetime": MONTH_S,
        "infinite_token_lifetime": False,
        "idle_token_lifetime": MONTH_S,
        "infinite_idle_token_lifetime": False,
    }
    return {"client_id": make_client(stage, secret="s", refresh_token=policy | changes), "client_secret": "s"}


# Access tokens.


def test_live_access_token_is_told_in_full(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    token = http.login(username=user.username, scope="read:timesheets create:timesheets").json()["access_token"]

    now = int(clock())
    assert told(http, token) == {
        "active": True,
        "token_type": "Bearer",
        "scope": "read:timesheets create:timesheets",
        "client_id": "demo-backend",
        "sub": user.user_id,
        "aud": TIMESHEETS,
        "iss": ISSUER,
        "exp": now + 86_400,
        "iat": now,
        "jti": "jti-1",
        "auth_time": now,
        "amr": ["pwd"],
        "gty": "password",
    }


@pytest.mark.parametrize("audience", [TIMESHEETS, REPORTS, None])
def test_what_is_told_is_what_the_token_says(http: Http, audience: str | None) -> None:
    token = http.login(audience=audience, scope="openid").json()["access_token"]
    claims = verify_token(http, token, f"{ISSUER}userinfo")

    said = told(http, token)
    assert said.pop("active") is True
    assert said == {name: claims[name] for name in said if name != "token_type"} | {"token_type": "Bearer"}


def test_token_of_the_auth0_dialect_is_told(http: Http, stage: Stage) -> None:
    audience = make_api(stage, token_dialect="access_token")

    assert told(http, http.login(audience=audience).json()["access_token"])["aud"] == audience


def test_clients_own_token_is_told_without_a_login(http: Http) -> None:
    token = http.token({"grant_type": "client_credentials", "audience": TIMESHEETS, **M2M}).json()["access_token"]
    said = told(http, token, M2M)

    assert (said["active"], said["sub"], said["gty"]) == (True, "demo-m2m@clients", "client-credentials")
    assert not {"auth_time", "amr"} & set(said)


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
def test_hint_changes_nothing(http: Http, hint: str) -> None:
    body = http.login(scope=OFFLINE).json()

    assert introspect(http, body["access_token"], token_type_hint=hint).json()["token_type"] == "Bearer"
    assert introspect(http, body["refresh_token"], token_type_hint=hint).json()["active"] is True


def test_json_body_is_taken(http: Http) -> None:
    token = http.login().json()["access_token"]

    assert http.post("/oauth/introspect", json={"token": token, **BACKEND}).json()["active"] is True


@pytest.mark.parametrize(
    "token",
    ["x", "a.b.c", "..", "e30.e30.e30", "x" * 9000, "A" * 200, "é", "\x00", "[]", "null"],
    ids=lambda token: ascii(token[:20]),
)
def test_garbage_is_inactive(http: Http, token: str) -> None:
    response = introspect(http, token)

    assert (response.status_code, response.content) == (200, b'{"active":false}')


def test_expired_access_token_is_inactive(http: Http, stage: Stage, clock: Clock) -> None:
    token = http.login(audience=make_api(stage, token_lifetime=60)).json()["access_token"]
    ends_at = int(clock()) + 60
    clock.now = ends_at - 1
    assert told(http, token)["exp"] == ends_at
    clock.now = ends_at

    assert told(http, token) == INACTIVE


def test_access_token_of_another_issuer_is_inactive(http: Http, stage: Stage, externals: wiring.Externals) -> None:
    with client_of(stage, externals, "https://other.example.com/") as other:
        foreign = other.login().json()["access_token"]
        assert told(other, foreign)["active"] is True

    assert told(http, foreign) == INACTIVE


def test_id_token_is_inactive(http: Http) -> None:
    assert told(http, http.login(scope="openid").json()["id_token"]) == INACTIVE


# Who asks.


@pytest.mark.parametrize(
    "client",
    [
        {},
        {"client_id": "demo-backend"},
        {"client_id": "demo-backend", "client_secret": "wrong"},
        {"client_id": "nobody", "client_secret": "x"},
        {"client_id": BASIC_ID, "client_secret": BASIC_SECRET},
    ],
    ids=json.dumps,
)
def test_client_that_is_not_proved_is_told_nothing(http: Http, client: Client) -> None:
    response = introspect(http, http.login().json()["access_token"], client)

    assert (response.status_code, response.json()) == (
        401,
        {"error": "invalid_client", "error_description": "Client authentication failed."},
    )


def test_wrong_basic_secret_is_answered_with_a_challenge(http: Http) -> None:
    headers = {"Authorization": basic(BASIC_ID, "wrong")}
    response = http.post("/oauth/introspect", data={"token": "x"}, headers=headers)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("scope", ["read:timesheets", OFFLINE])
def test_public_client_is_told_nothing_of_its_own(http: Http, scope: str) -> None:
    body = http.login(client_id="demo-native", client_secret=None, scope=scope).json()
    response = introspect(http, body.get("refresh_token", body["access_token"]), NATIVE)

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_access_token_proves_no_client(http: Http) -> None:
    token = http.login().json()["access_token"]
    response = http.post("/oauth/introspect", data={"token": token}, headers={"Authorization": f"Bearer {token}"})

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("form", [{}, {"token": ""}, {"access_token": "x"}])
def test_missing_token_is_told(http: Http, form: dict[str, str]) -> None:
    response = http.post("/oauth/introspect", data={**BACKEND, **form})

    assert (response.status_code, response.json()) == (
        400,
        {"error": "invalid_request", "error_description": "Missing required parameter: token"},
    )


@pytest.mark.parametrize("where", ["credentials", "token"])
def test_query_is_refused(http: Http, where: str) -> None:
    token = http.login().json()["access_token"]
    query, form = (BACKEND, {"token": token}) if where == "credentials" else ({"token": token}, BACKEND)
    response = http.post("/oauth/introspect", params=query, data=form)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert token not in json.dumps(http.log)
    assert BACKEND["client_secret"] not in json.dumps(http.log)


def test_two_methods_of_authentication_are_refused(http: Http) -> None:
    headers = {"Authorization": basic(BASIC_ID, BASIC_SECRET)}
    response = http.post("/oauth/introspect", data={"token": "x", **BACKEND}, headers=headers)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_basic_client_is_told_of_its_own(http: Http) -> None:
    headers = {"Authorization": basic(BASIC_ID, BASIC_SECRET)}
    login = {"grant_type": "password", "username": "alice", "password": "correct horse battery staple"}
    token = http.token({**login, "audience": TIMESHEETS}, **headers).json()["access_token"]
    response = http.post("/oauth/introspect", data={"token": token}, headers=headers)

    assert response.json()["client_id"] == BASIC_ID


def test_private_key_jwt_client_is_told_of_its_own(http: Http, stage: Stage) -> None:
    keys = [RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)]
    client_id = make_client(stage, token_endpoint_auth_method="private_key_jwt", jwks=keys)

    def proof() -> Client:
        return {"client_assertion": assertion(client_id), "client_assertion_type": ASSERTION_TYPE}

    credentials: dict[str, str | None] = {"client_id": None, "client_secret": None}
    token = http.login(**credentials | proof()).json()["access_token"]
    assert told(http, token, proof())["client_id"] == client_id


def test_access_token_of_another_client_is_inactive(http: Http) -> None:
    token = http.login(client_id="demo-native", client_secret=None).json()["access_token"]

    assert told(http, token) == INACTIVE
    assert told(http, http.login().json()["access_token"], M2M) == INACTIVE


def test_api_lets_its_own_clients_introspect_its_tokens(http: Http, stage: Stage) -> None:
    api_client = client_with(stage)
    audience = make_api(stage, introspection_clients=[api_client["client_id"]])
    token = http.login(audience=audience, scope="openid").json()["access_token"]

    assert told(http, token, api_client)["aud"] == [audience, f"{ISSUER}userinfo"]
    assert told(http, token)["active"] is True
    assert told(http, token, M2M) == INACTIVE


def test_api_lets_its_clients_introspect_its_own_tokens_alone(http: Http, stage: Stage) -> None:
    api_client = client_with(stage)
    make_api(stage, introspection_clients=[api_client["client_id"]])

    for audience in (TIMESHEETS, REPORTS, None):
        token = http.login(audience=audience, scope="openid").json()["access_token"]
        assert told(http, token, api_client) == INACTIVE


def test_refresh_token_is_nobody_elses_to_introspect(http: Http, stage: Stage) -> None:
    api_client = client_with(stage)
    audience = make_api(stage, introspection_clients=[api_client["client_id"]])
    token = refresh_token(http, audience=audience, scope="offline_access")

    assert told(http, token)["active"] is True
    assert told(http, token, api_client) == INACTIVE


# Refresh tokens.


def test_live_refresh_token_is_told(http: Http, stage: Stage, people: PeopleMaker, clock: Clock) -> None:
    user, client = people.make(), client_with(stage)

    assert told(http, refresh_token(http, client, username=user.username), client) == {
        "active": True,
        "token_type": "refresh_token",
        "scope": "offline_access read:timesheets",
        "client_id": client["client_id"],
        "sub": user.user_id,
        "iss": ISSUER,
        "iat": int(clock()),
        "exp": int(clock()) + MONTH_S,
    }


def test_refresh_token_that_never_ends_has_no_exp(http: Http, stage: Stage, clock: Clock) -> None:
    client = client_with(stage, infinite_token_lifetime=True, infinite_idle_token_lifetime=True)
    token = refresh_token(http, client)
    clock.advance(100 * MONTH_S)
    said = told(http, token, client)

    assert said["active"] is True
    assert "exp" not in said


@pytest.mark.parametrize("idle_s", [MONTH_S, 100], ids=["absolute end", "idle end"])
def test_exp_of_a_refresh_token_is_when_it_ends_unless_used(
    http: Http, stage: Stage, clock: Clock, idle_s: int
) -> None:
    client = client_with(stage, idle_token_lifetime=idle_s)
    token = refresh_token(http, client)
    said = told(http, token, client)

    # RFC 7662 2.2: exp says when this token will expire.
    clock.now = said["exp"] - 1
    assert told(http, token, client) == said
    clock.now = said["exp"]
    assert told(http, token, client) == INACTIVE


def test_iat_of_a_rotated_refresh_token_is_its_own(http: Http, stage: Stage, clock: Clock) -> None:
    client = client_with(stage)
    first = refresh_token(http, client)
    clock.advance(100)
    second = http.refresh(first, client).json()["refresh_token"]

    # RFC 7662 2.2: iat says when this token was issued, not when the login was.
    assert told(http, second, client)["iat"] == int(clock())


def test_refresh_token_outlives_its_access_token(http: Http, clock: Clock) -> None:
    body = http.login(scope=OFFLINE).json()
    clock.advance(86_401)

    assert told(http, body["access_token"]) == INACTIVE
    assert told(http, body["refresh_token"])["active"] is True


def test_refresh_token_of_another_client_is_inactive(http: Http) -> None:
    token = refresh_token(http, NATIVE)

    assert told(http, token) == INACTIVE
    assert http.refresh(token, NATIVE).status_code == 200


def test_damaged_refresh_token_is_inactive_and_harms_no_family(http: Http) -> None:
    token = refresh_token(http)
    for position in (0, 20, 60, len(token) - 1):
        other = "A" if token[position] != "A" else "B"
        assert told(http, token[:position] + other + token[position + 1 :]) == INACTIVE

    assert told(http, token)["active"] is True


def test_revoked_refresh_token_is_inactive(http: Http) -> None:
    token = refresh_token(http)
    http.post("/oauth/revoke", data={"token": token, **BACKEND})

    assert told(http, token) == INACTIVE


def test_superseded_refresh_token_is_inactive_and_ends_no_family(http: Http) -> None:
    first = refresh_token(http)
    second = http.refresh(first).json()["refresh_token"]

    # To ask about a token is no use of it: what would end the family at the token endpoint ends nothing here.
    assert told(http, first) == INACTIVE
    assert told(http, second)["active"] is True
    assert http.refresh(second).status_code == 200


@pytest.mark.parametrize("within_s", [0, 9, 11])
def test_predecessor_is_inactive_within_the_leeway_too(http: Http, stage: Stage, clock: Clock, within_s: int) -> None:
    client = client_with(stage, leeway=10)
    first = refresh_token(http, client)
    second = http.refresh(first, client).json()["refresh_token"]
    clock.advance(within_s)

    assert told(http, first, client) == INACTIVE
    assert told(http, second, client)["active"] is True


def test_family_that_reuse_ended_is_inactive(http: Http) -> None:
    first = refresh_token(http)
    second = http.refresh(first).json()["refresh_token"]
    assert http.refresh(first).status_code == 400

    assert told(http, second) == INACTIVE


@pytest.mark.parametrize(
    ("policy", "lifetime_s"),
    [({"token_lifetime": 1000, "idle_token_lifetime": 1000}, 1000), ({"idle_token_lifetime": 100}, 100)],
    ids=["absolute", "idle"],
)
def test_refresh_token_that_ended_by_time_is_inactive(
    http: Http, stage: Stage, clock: Clock, policy: dict[str, int], lifetime_s: int
) -> None:
    client = client_with(stage, **policy)
    token, began_at = refresh_token(http, client), int(clock())
    clock.now = began_at + lifetime_s - 1
    assert told(http, token, client)["active"] is True
    clock.now = began_at + lifetime_s

    assert told(http, token, client) == INACTIVE
    assert http.refresh(token, client).status_code == 400


@pytest.mark.parametrize("change", ["password", "block", "delete", "all families"])
def test_refresh_token_of_a_person_who_was_changed_is_inactive(http: Http, people: PeopleMaker, change: str) -> None:
    user, employees = people.make(), people.of("employees")
    token = refresh_token(http, username=user.username)
    changes: dict[str, Callable[[], Any]] = {
        "password": lambda: employees.set_password(user, "another good password"),
        "block": lambda: employees.set_blocked(user, True),
        "delete": lambda: employees.delete(user),
        "all families": lambda: employees.end_families(user),
    }
    assert told(http, token)["active"] is True
    changes[change]()

    assert told(http, token) == INACTIVE


def test_unblocking_brings_no_refresh_token_back(http: Http, people: PeopleMaker) -> None:
    user, employees = people.make(), people.of("employees")
    token = refresh_token(http, username=user.username)
    employees.set_blocked(user, True)
    employees.set_blocked(user, False)

    assert told(http, token) == INACTIVE


def test_refresh_token_for_an_api_that_is_gone_is_inactive(http: Http, stage: Stage, clock: Clock) -> None:
    audience = make_api(stage)
    token = refresh_token(http, audience=audience)
    stage.config().delete(f"api#{audience}")
    clock.advance(61)

    assert http.refresh(token).status_code == 400
    assert told(http, token) == INACTIVE


# It uses nothing up.


def items_of(stage: Stage, user_id: str) -> list[dict[str, Any]]:
    """Return everything that is kept of a person's refresh tokens."""
    answer = stage.clients.dynamodb.query(
        TableName=f"{stage.prefix}sessions",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"families#employees#{user_id}"}},
    )
    return answer["Items"]


def test_introspection_is_no_use_of_the_token(http: Http, stage: Stage, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    first = refresh_token(http, username=user.username)
    second = http.refresh(first).json()["refresh_token"]
    before = items_of(stage, user.user_id)
    assert len(before) == 1
    for token in (first, second, first, second):
        clock.advance(1)
        introspect(http, token)

    assert items_of(stage, user.user_id) == before
    assert http.refresh(second).status_code == 200


def test_introspection_keeps_no_token_from_being_idle(http: Http, stage: Stage, clock: Clock) -> None:
    client = client_with(stage, idle_token_lifetime=100)
    token = refresh_token(http, client)
    for _ in range(3):
        clock.advance(30)
        assert told(http, token, client)["active"] is True
    clock.advance(30)

    assert told(http, token, client) == INACTIVE


def test_each_live_token_costs_one_call_and_garbage_none(http: Http, stage: Stage) -> None:
    body = http.login(scope=OFFLINE).json()
    introspect(http, body["access_token"])
    with calls_of(stage) as calls:
        introspect(http, "x")
        assert calls.made == []
        introspect(http, body["access_token"])
        introspect(http, body["refresh_token"])

    assert calls.made == ["GetItem", "BatchGetItem"]


def test_introspection_that_cannot_look_says_so_and_not_inactive(http: Http, stage: Stage) -> None:
    token = refresh_token(http)
    with failing(stage, "BatchGetItem", aws_error("ThrottlingException")):
        response = introspect(http, token)

    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert told(http, token)["active"] is True


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_not_taken(http: Http, method: str) -> None:
    response = http.request(method, "/oauth/introspect")

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


def test_no_log_holds_the_token(http: Http) -> None:
    body = http.login(scope=OFFLINE).json()
    for token in (body["access_token"], body["refresh_token"]):
        introspect(http, token)
        introspect(http, token, BACKEND | {"client_secret": "wrong"})

    assert http.log
    assert not any(body[name] in json.dumps(http.log) for name in ("access_token", "refresh_token"))
