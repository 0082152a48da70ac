"""A client with `disabled: true` is as unknown as one that never was: the same bytes everywhere. Through HTTP."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.clients import make_api, make_client
from tests.support.config import document_of
from tests.support.fixed import ISSUER, Clock
from tests.support.http import BACKEND, TIMESHEETS, Http, visible_parts

SECRET = "a secret of the tests"
Change = Callable[..., None]


@pytest.fixture
def client(stage: Stage) -> dict[str, str]:
    """A confidential client that is not disabled yet."""
    return {"client_id": make_client(stage, secret=SECRET, client_grants={TIMESHEETS: []}), "client_secret": SECRET}


@pytest.fixture
def change(stage: Stage, clock: Clock, client: dict[str, str]) -> Change:
    """Changes the client's document, and lets every process read it."""

    def changed(**changes: Any) -> None:
        key = f"client#{client['client_id']}"
        stage.config().put(key, document_of(stage, key) | changes)
        clock.advance(61)

    return changed


def bearing(http: Http, path: str, token: str) -> httpx.Response:
    return http.get(path, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/oauth/token", {"grant_type": "password", "username": "alice", "password": "x"}),
        ("/oauth/token", {"grant_type": "refresh_token", "refresh_token": "x"}),
        ("/oauth/token", {"grant_type": "client_credentials", "audience": TIMESHEETS}),
        ("/oauth/token", {"grant_type": "http://auth0.com/oauth/grant-type/mfa-otp", "mfa_token": "x", "otp": "1"}),
        ("/oauth/revoke", {"token": "x"}),
        ("/oauth/introspect", {"token": "x"}),
        ("/mfa/challenge", {"mfa_token": "x"}),
    ],
)
@pytest.mark.parametrize("secret", [SECRET, "wrong", None])
def test_disabled_client_is_answered_as_an_unknown_one(
    http: Http, stage: Stage, secret: str | None, path: str, form: dict[str, str]
) -> None:
    disabled = make_client(stage, secret=SECRET, disabled=True)
    credentials = {"client_secret": secret} if secret else {}

    def asked(client_id: str) -> tuple[Any, int, list[str]]:
        with calls_of(stage) as calls:
            answer = http.post(path, data={**form, **credentials, "client_id": client_id})
        return visible_parts(answer), answer.status_code, calls.made

    # The first failure of an address reads what the next ones know.
    asked("another-nobody")
    assert asked(disabled) == asked("nobody-at-all")
    assert asked(disabled)[1] == 401


def test_tokens_of_a_client_are_dead_while_it_is_disabled(
    http: Http, stage: Stage, client: dict[str, str], change: Change
) -> None:
    body = http.login(**client, scope="openid offline_access").json()
    of_mfa = http.login(**client, audience=f"{ISSUER}mfa/").json()["access_token"]
    refresh = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"], **client}
    change(disabled=True)

    assert bearing(http, "/userinfo", body["access_token"]).status_code == 401
    assert bearing(http, "/mfa/authenticators", of_mfa).status_code == 401
    assert (http.token(refresh).status_code, http.token(refresh).json()["error"]) == (401, "invalid_client")
    change(disabled=False)
    assert bearing(http, "/userinfo", body["access_token"]).status_code == 200
    assert http.token(refresh).status_code == 200


def test_others_are_told_that_tokens_of_a_disabled_client_are_inactive(
    http: Http, stage: Stage, client: dict[str, str], change: Change
) -> None:
    audience = make_api(stage, introspection_clients=["demo-backend"])
    change(client_grants={audience: []})
    person = http.login(**client, audience=audience).json()["access_token"]
    machine = http.token({"grant_type": "client_credentials", "audience": audience, **client}).json()["access_token"]

    def told(token: str) -> Any:
        return http.post("/oauth/introspect", data={"token": token, **BACKEND}).json()

    assert told(person)["active"] is True
    assert told(machine)["active"] is True
    change(disabled=True)
    assert [told(person), told(machine)] == [{"active": False}, {"active": False}]


def test_login_that_waits_for_a_second_factor_ends_with_its_client(
    http: Http, stage: Stage, client: dict[str, str], change: Change
) -> None:
    key = "tenant"
    tenant = document_of(stage, key)
    stage.config().put(key, tenant | {"mfa": {"policy": "always", "factors": ["otp"]}})
    try:
        token = http.login(**client).json()["mfa_token"]
        change(disabled=True)
        answer = http.post(
            "/mfa/associate",
            json={"authenticator_types": ["otp"]},
            headers={"Authorization": f"Bearer {token}"},
        )
    finally:
        stage.config().put(key, tenant)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
