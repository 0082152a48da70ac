"""/oauth/revoke (RFC 7009), through HTTP."""

import json
from typing import Any

import httpx
import pytest
from jwt.algorithms import RSAAlgorithm

from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.client_secrets import ASSERTION_TYPE, BASIC_ID, BASIC_SECRET, RSA_KEY, assertion, basic
from tests.support.clients import make_api, make_client
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock
from tests.support.http import BACKEND, REPORTS, TIMESHEETS, Http
from tests.support.people import PeopleMaker
from tests.support.tokens import body_of

OFFLINE = "offline_access read:timesheets"
NATIVE = {"client_id": "demo-native"}
UNKNOWN = {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}


def login(http: Http, client: dict[str, str] = BACKEND, **params: str | None) -> dict[str, Any]:
    """Log in through a client, and return the answer with its refresh token."""
    credentials: dict[str, str | None] = {"client_id": None, "client_secret": None}
    return body_of(http.login(**credentials | client | {"scope": OFFLINE} | params))


def revoke(http: Http, token: str, client: dict[str, str] = BACKEND, **params: str) -> httpx.Response:
    return http.post("/oauth/revoke", data={"token": token, **client, **params})


def lives(http: Http, token: str, client: dict[str, str] = BACKEND) -> bool:
    """Whether a refresh token still works; a rotating one is used up."""
    response = http.refresh(token, client)
    assert response.status_code == 200 or (response.status_code, response.json()) == (400, UNKNOWN)
    return response.status_code == 200


def assert_done(response: httpx.Response) -> None:
    """Assert the one answer to everything that was revoked or never lived."""
    assert (response.status_code, response.content) == (200, b"")
    # simple-oauth2 reads no other content type, even of an empty body.
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"


def test_revoked_refresh_token_is_dead(http: Http) -> None:
    token = login(http)["refresh_token"]

    assert_done(revoke(http, token))
    assert (http.refresh(token).status_code, http.refresh(token).json()) == (400, UNKNOWN)


def test_json_body_is_taken(http: Http) -> None:
    token = login(http)["refresh_token"]

    assert_done(http.post("/oauth/revoke", json={"token": token, "token_type_hint": None, **BACKEND}))
    assert not lives(http, token)


def test_family_ends_with_its_current_token(http: Http) -> None:
    first = login(http)["refresh_token"]
    second = http.refresh(first).json()["refresh_token"]

    assert_done(revoke(http, second))
    assert not lives(http, second)
    assert not lives(http, first)


def test_item_of_the_family_is_gone(http: Http, stage: Stage, people: PeopleMaker) -> None:
    user = people.make()
    token = login(http, username=user.username)["refresh_token"]
    assert len(people.of("employees").live_families(user)) == 1
    revoke(http, token)

    assert people.of("employees").live_families(user) == []


@pytest.mark.parametrize(
    "token",
    ["x", "a.b.c", "x" * 2000, "AAAA", "A" * 200, "é", "\x00", "../..", "[]", "null"],
    ids=lambda token: ascii(token[:20]),
)
def test_unknown_token_is_no_error(http: Http, token: str) -> None:
    assert_done(revoke(http, token))


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
def test_hint_changes_nothing(http: Http, hint: str) -> None:
    token = login(http)["refresh_token"]

    assert_done(revoke(http, token, token_type_hint=hint))
    assert not lives(http, token)


@pytest.mark.parametrize("form", [{}, {"token": ""}, {"refresh_token": "x"}])
def test_missing_token_is_told(http: Http, form: dict[str, str]) -> None:
    response = http.post("/oauth/revoke", data={**BACKEND, **form})

    assert (response.status_code, response.json()) == (
        400,
        {"error": "invalid_request", "error_description": "Missing required parameter: token"},
    )


@pytest.mark.parametrize(
    "client",
    [
        {},
        {"client_id": "demo-backend"},
        {"client_id": "demo-backend", "client_secret": "wrong"},
        {"client_id": "nobody", "client_secret": "x"},
        {"client_id": "demo-native", "client_secret": "x"},
        {"client_id": BASIC_ID, "client_secret": BASIC_SECRET},
    ],
    ids=json.dumps,
)
def test_client_that_is_not_proved_revokes_nothing(http: Http, client: dict[str, str]) -> None:
    token = login(http)["refresh_token"]
    response = revoke(http, token, client)

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert lives(http, token)


def test_wrong_basic_secret_is_answered_with_a_challenge(http: Http) -> None:
    headers = {"Authorization": basic(BASIC_ID, "wrong")}
    response = http.post("/oauth/revoke", data={"token": "x"}, headers=headers)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


def test_two_methods_of_authentication_are_refused(http: Http) -> None:
    headers = {"Authorization": basic(BASIC_ID, BASIC_SECRET)}
    response = http.post("/oauth/revoke", data={"token": "x", **BACKEND}, headers=headers)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_basic_client_revokes_its_own(http: Http) -> None:
    headers = {"Authorization": basic(BASIC_ID, BASIC_SECRET)}
    token = http.token(
        {"grant_type": "password", "username": "alice", "password": "correct horse battery staple"}
        | {"audience": TIMESHEETS, "scope": OFFLINE},
        **headers,
    ).json()["refresh_token"]

    assert_done(http.post("/oauth/revoke", data={"token": token}, headers=headers))
    again = http.token({"grant_type": "refresh_token", "refresh_token": token}, **headers)
    assert (again.status_code, again.json()) == (400, UNKNOWN)


def test_public_client_revokes_its_own(http: Http) -> None:
    token = login(http, NATIVE)["refresh_token"]

    assert_done(revoke(http, token, NATIVE))
    assert not lives(http, token, NATIVE)


def test_private_key_jwt_client_revokes_its_own(http: Http, stage: Stage) -> None:
    keys = [RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)]
    client_id = make_client(stage, token_endpoint_auth_method="private_key_jwt", jwks=keys)

    def proof() -> dict[str, str]:
        return {"client_assertion": assertion(client_id), "client_assertion_type": ASSERTION_TYPE}

    token = login(http, proof())["refresh_token"]
    assert_done(revoke(http, token, proof()))
    assert not lives(http, token, proof())


def test_client_without_the_refresh_grant_finds_nothing_to_revoke(http: Http) -> None:
    token = login(http)["refresh_token"]

    assert_done(revoke(http, token, {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret"}))
    assert lives(http, token)


@pytest.mark.parametrize(("mine", "other"), [(BACKEND, NATIVE), (NATIVE, BACKEND)], ids=["backend", "native"])
def test_token_of_another_client_is_left_alone(http: Http, mine: dict[str, str], other: dict[str, str]) -> None:
    token = login(http, mine)["refresh_token"]

    # The answer does not say whether it lives: another client learns nothing.
    assert_done(revoke(http, token, other))
    assert lives(http, token, mine)


def test_other_families_live_on(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    one, other = (login(http, username=user.username)["refresh_token"] for _ in range(2))
    native = login(http, NATIVE, username=user.username)["refresh_token"]
    revoke(http, one)

    assert not lives(http, one)
    assert lives(http, other)
    assert lives(http, native, NATIVE)


@pytest.mark.parametrize("where", ["token only", "everything"])
def test_token_in_the_query_is_not_revoked(http: Http, where: str) -> None:
    token = login(http)["refresh_token"]
    query = {"token": token} | (BACKEND if where == "everything" else {})
    response = http.post("/oauth/revoke", params=query, data={} if where == "everything" else BACKEND)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert token not in json.dumps(http.log)
    assert lives(http, token)


@pytest.mark.parametrize("audience", [TIMESHEETS, REPORTS, None])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token"])
def test_live_access_token_cannot_be_revoked(http: Http, audience: str | None, hint: str) -> None:
    token = http.login(audience=audience, scope="openid").json()["access_token"]
    response = revoke(http, token, token_type_hint=hint)

    assert (response.status_code, response.json()) == (
        400,
        {
            "error": "unsupported_token_type",
            "error_description": "Access tokens cannot be revoked; they end by themselves.",
        },
    )
    assert http.get("/userinfo", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_access_token_that_is_over_is_no_error(http: Http, stage: Stage, clock: Clock) -> None:
    token = http.login(audience=make_api(stage, token_lifetime=60)).json()["access_token"]
    clock.advance(61)

    assert_done(revoke(http, token))


def test_access_token_that_was_changed_is_no_error(http: Http) -> None:
    token = http.login().json()["access_token"]

    assert_done(revoke(http, token[:-8] + "AAAAAAAA"))


def test_id_token_is_no_error(http: Http) -> None:
    assert_done(revoke(http, http.login(scope="openid").json()["id_token"]))


def test_second_revocation_is_no_error(http: Http) -> None:
    token = login(http)["refresh_token"]

    assert_done(revoke(http, token))
    assert_done(revoke(http, token))
    assert not lives(http, token)


@pytest.mark.parametrize("where", ["params", "data"])
def test_callback_is_ignored(http: Http, where: str) -> None:
    token = login(http)["refresh_token"]
    form, callback = {"token": token, **BACKEND}, {"callback": "package.myCallback"}
    sent = {"data": form | callback} if where == "data" else {"data": form, "params": callback}

    assert_done(http.post("/oauth/revoke", **sent))
    assert not lives(http, token)


def test_predecessor_within_the_leeway_ends_the_family(http: Http, stage: Stage) -> None:
    client_id = make_client(stage, secret="s", refresh_token=policy(leeway=10))
    client = {"client_id": client_id, "client_secret": "s"}
    first = login(http, client)["refresh_token"]
    second = http.refresh(first, client).json()["refresh_token"]

    assert_done(revoke(http, first, client))
    assert not lives(http, second, client)
    assert not lives(http, first, client)


def test_predecessor_after_the_leeway_ends_the_family(http: Http, stage: Stage, clock: Clock) -> None:
    client_id = make_client(stage, secret="s", refresh_token=policy(leeway=10))
    client = {"client_id": client_id, "client_secret": "s"}
    first = login(http, client)["refresh_token"]
    second = http.refresh(first, client).json()["refresh_token"]
    clock.advance(11)

    assert_done(revoke(http, first, client))
    assert not lives(http, second, client)


def policy(**changes: Any) -> dict[str, Any]:
    """Return how a rotating client's refresh tokens live, in the words of the tenant file."""
    month_s = 2_592_000
    return {
        "rotation_type": "rotating",
        "leeway": 0,
        "token_lifetime": month_s,
        "infinite_token_lifetime": False,
        "idle_token_lifetime": month_s,
        "infinite_idle_token_lifetime": False,
    } | changes


@pytest.mark.parametrize("part", ["secret", "place", "checksum"])
def test_damaged_token_harms_no_family(http: Http, part: str) -> None:
    token = login(http)["refresh_token"]
    position = {"secret": 5, "place": 60, "checksum": len(token) - 3}[part]
    other = "A" if token[position] != "A" else "B"

    assert_done(revoke(http, token[:position] + other + token[position + 1 :]))
    assert_done(revoke(http, token[:-1]))
    assert_done(revoke(http, token + "A"))
    assert lives(http, token)


@pytest.mark.parametrize("change", ["block", "delete", "password"])
def test_token_of_a_person_who_was_changed_is_no_error(http: Http, people: PeopleMaker, change: str) -> None:
    user, employees = people.make(), people.of("employees")
    token = login(http, username=user.username)["refresh_token"]
    changes = {
        "block": lambda: employees.set_blocked(user, True),
        "delete": lambda: employees.delete(user),
        "password": lambda: employees.set_password(user, "another good password"),
    }
    changes[change]()

    assert_done(revoke(http, token))


def test_expired_token_is_no_error(http: Http, clock: Clock) -> None:
    token = login(http)["refresh_token"]
    clock.advance(2_592_001)

    assert_done(revoke(http, token))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_not_taken(http: Http, method: str) -> None:
    response = http.request(method, "/oauth/revoke")

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


def test_revocation_is_logged_by_its_code_and_nothing_secret(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    token = login(http, username=user.username)["refresh_token"]
    http.log.clear()
    revoke(http, token)
    (line,) = http.log

    assert {name: line[name] for name in ("event", "client_id", "realm", "user", "status", "source_ip")} == {
        "event": "srrt",
        "client_id": "demo-backend",
        "realm": "employees",
        "user": user.user_id,
        "status": 200,
        "source_ip": http.source_ip,
    }
    assert token not in json.dumps(http.log)


def test_what_revoked_nothing_is_not_logged_as_a_revocation(http: Http) -> None:
    token = login(http)["refresh_token"]
    http.log.clear()
    revoke(http, "x")
    revoke(http, token, NATIVE)

    assert "srrt" not in [line.get("event") for line in http.log]


def test_revocation_makes_two_calls_and_of_an_unknown_token_none(http: Http, stage: Stage) -> None:
    token = login(http)["refresh_token"]
    revoke(http, "x")
    with calls_of(stage) as calls:
        revoke(http, "y")
        assert calls.made == []
        revoke(http, token)

    assert calls.made == ["BatchGetItem", "DeleteItem"]


@pytest.mark.parametrize("operation", ["BatchGetItem", "DeleteItem"])
def test_revocation_that_fails_says_so_and_the_retry_ends_the_family(http: Http, stage: Stage, operation: str) -> None:
    token = login(http)["refresh_token"]
    with failing(stage, operation, aws_error("InternalServerError")):
        response = revoke(http, token)

    # RFC 7009 2.2.1: on 503 the client must assume that the token still exists.
    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert int(response.headers["Retry-After"]) >= 1
    assert_done(revoke(http, token))
    assert not lives(http, token)
