"""examples/timesheets_api: what an API answers to each token, good or bad (RFC 6750 3, RFC 9068 4)."""

from typing import Any

import httpx
import jwt
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from examples.timesheets_api.app import create_app
from tests.support.http import ALICE, BACKEND, REPORTS, TIMESHEETS
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess

INVALID = 'Bearer error="invalid_token"'


@pytest.fixture(scope="module")
def api(run: LocalProcess) -> Flask:
    return create_app(run.url)


def login(run: LocalProcess, **more: str) -> dict[str, Any]:
    form = {"grant_type": "password", **BACKEND, **ALICE, "audience": TIMESHEETS, **more}
    answer: dict[str, Any] = httpx.post(f"{run.url}oauth/token", data=form, timeout=WAIT_S).json()
    return answer


def ask(api: Flask, authorization: str | None, entry: Any = None) -> TestResponse:
    headers = {} if authorization is None else {"Authorization": authorization}
    client = api.test_client()
    return (
        client.get("/timesheets", headers=headers)
        if entry is None
        else client.post("/timesheets", json=entry, headers=headers)
    )


def outcome(answer: TestResponse) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("WWW-Authenticate")


def test_person_reads_and_adds_their_own(run: LocalProcess, api: Flask) -> None:
    bearer = f"Bearer {login(run)['access_token']}"
    entry = {"hours": 7.5, "text": "Gates"}
    added = ask(api, bearer, entry)
    customer = {"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": "customers"}
    bob = {"username": "bob@example.com", "password": "bob's long password"}

    assert (added.status_code, added.json) == (201, entry)
    assert ask(api, bearer).json == [entry]
    assert ask(api, f"bearer {login(run, **customer, **bob)['access_token']}").json == []


@pytest.mark.parametrize("authorization", [None, "", "Basic eDp5", "Token x", "Bearer", "bearer"])
def test_request_without_a_token_is_challenged(api: Flask, authorization: str | None) -> None:
    challenge = INVALID if (authorization or "").lower() == "bearer" else "Bearer"

    assert outcome(ask(api, authorization)) == (401, challenge)


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "..", "e30.e30.e30", "\u00e9", "W10.W10.W10", "A" * 9000, "eyJ" * 2000]
)
def test_garbage_is_401_with_a_challenge(api: Flask, token: str) -> None:
    assert outcome(ask(api, f"Bearer {token}")) == (401, INVALID)


def test_token_of_another_kind_or_api_is_401(run: LocalProcess, api: Flask) -> None:
    good = login(run, scope="openid read:timesheets")
    header, claims, _ = good["access_token"].split(".")
    key = "a key of some strangers, and long"
    others = [
        good["id_token"],
        login(run, audience=REPORTS)["access_token"],
        login(run, audience="")["access_token"],
        f"{header}.{claims}.AAAA",
        jwt.encode({"scope": "read:timesheets"}, key, "HS256", headers={"typ": "at+jwt", "kid": "unknown"}),
        jwt.encode({"scope": "read:timesheets"}, "", "none", headers={"typ": "at+jwt"}),
    ]

    assert [outcome(ask(api, f"Bearer {token}")) for token in others] == [(401, INVALID)] * len(others)


def test_token_without_the_scope_is_403(run: LocalProcess, api: Flask) -> None:
    bearer = f"Bearer {login(run, scope='read:timesheets')['access_token']}"

    assert ask(api, bearer).status_code == 200
    assert outcome(ask(api, bearer, {"hours": 1, "text": "x"})) == (
        403,
        'Bearer error="insufficient_scope", scope="create:timesheets"',
    )


@pytest.mark.parametrize(
    "entry", [[], {}, {"hours": 0, "text": "x"}, {"hours": 25, "text": "x"}, {"hours": 1, "text": ""}, "x"]
)
def test_malformed_entry_is_400(run: LocalProcess, api: Flask, entry: Any) -> None:
    assert ask(api, f"Bearer {login(run)['access_token']}", entry).status_code == 400


def test_keys_out_of_reach_are_503(run: LocalProcess) -> None:
    lonely = create_app("http://127.0.0.1:9/")

    assert outcome(ask(lonely, f"Bearer {login(run)['access_token']}")) == (503, None)
