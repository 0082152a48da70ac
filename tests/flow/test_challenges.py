"""The challenge of every 401 (RFC 9110 15.5.2), and the Authorization headers that are nobody's business."""

from collections.abc import Iterator
from typing import Any

import pytest

from app import app
from chalicelib import errors, wiring
from chalicelib.errors import InvalidToken, WireError
from chalicelib.http.routes import Services
from infra.stage.aws import Stage
from tests.support.fixed import Clock
from tests.support.http import ALICE, BACKEND, Http
from tests.support.mfa import bearer, challenge, enrol, mfa_token_of, with_otp
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules, require_mfa

BASIC = 'Basic realm="gatehouse", charset="UTF-8"'
BEARER = 'Bearer realm="gatehouse", error="invalid_token"'
BEARER_PATHS = ("/mfa/", "/userinfo")
PUBLIC = {"client_id": "demo-native"}
FOREIGN = ["Bearer abc", "Negotiate YII=", "Token abc", 'Digest username="x"', "AWS4-HMAC-SHA256 x", "DPoP x", "x"]


def unproved(kind: type[WireError]) -> Iterator[type[WireError]]:
    """Return the errors below this one that are a 401."""
    for one in kind.__subclasses__():
        if one.__module__.startswith(f"{errors.__name__}."):
            yield from [one] if one.status == 401 else []
            yield from unproved(one)


def raised(kind: type[WireError]) -> WireError:
    """Return an error of this kind; those that say nothing of their own take no argument or a reason."""
    makes: list[Any] = [lambda: kind("x"), lambda: kind(reason="x"), kind]  # type: ignore[call-arg]  # three shapes
    for make in makes:
        try:
            error: WireError = make()
        except TypeError:
            continue
        return error
    raise AssertionError(kind)


@pytest.mark.parametrize("path", app.routes)
@pytest.mark.parametrize("kind", [*unproved(WireError)], ids=lambda kind: kind.__name__)
def test_every_401_of_every_endpoint_has_a_challenge(path: str, kind: type[WireError]) -> None:
    def services() -> Services:
        raise raised(kind)

    http, resource = Http(services, "10.255.0.4"), path.replace("{", "").replace("}", "")
    allowed = http.request("PATCH", resource).headers["Allow"].split(", ")
    response = http.request(allowed[0], resource)

    told = response.headers["WWW-Authenticate"]
    assert response.status_code == 401
    assert told.startswith(BEARER if path.startswith(BEARER_PATHS) or kind is InvalidToken else BASIC)


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect"])
@pytest.mark.parametrize(
    "proof",
    [
        {"client_id": "demo-backend", "client_secret": "wrong"},
        {"client_id": "demo-backend"},
        {"client_id": "nobody"},
        {},
        {"client_assertion": "x", "client_assertion_type": "y"},
    ],
    ids=["wrong-secret", "no-secret", "unknown", "nothing", "assertion"],
)
def test_unproved_client_is_challenged_however_it_tried(http: Http, path: str, proof: dict[str, str]) -> None:
    response = http.post(path, data={"grant_type": "password", "token": "x", **proof})

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"] == BASIC


def test_unproved_client_of_the_mfa_api_gets_the_bearer_challenge(http: Http) -> None:
    response = challenge(http, "x", client_secret="wrong")

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"] == BEARER


@pytest.fixture
def waiting(stage: Stage, externals: wiring.Externals, clock: Clock, people: PeopleMaker) -> Iterator[tuple[Http, str]]:
    """A client, and the mfa_token of a login that waits for an authenticator app."""
    username = people.make().username
    with client_with_rules(stage, externals, require_mfa) as http:
        ada = enrol(http, clock, username, mfa_token_of(http.login(username=username)))
        yield http, ada.login(http)


def test_mfa_token_that_is_over_is_challenged(waiting: tuple[Http, str], clock: Clock) -> None:
    http, mfa_token = waiting
    clock.advance(601)

    answers = [
        (with_otp(http, mfa_token, "123456"), BASIC),
        (challenge(http, mfa_token), BEARER),
        (http.get("/mfa/authenticators", headers=bearer(mfa_token)), BEARER),
    ]
    for answer, told in answers:
        assert (answer.status_code, answer.json()["error"]) == (401, "expired_token")
        assert answer.headers["WWW-Authenticate"] == told


# Schemes that are no client authentication.


@pytest.mark.parametrize("authorization", FOREIGN)
@pytest.mark.parametrize("client", [BACKEND, PUBLIC], ids=["post", "public"])
def test_authorization_of_another_scheme_is_ignored_at_the_token_endpoint(
    http: Http, client: dict[str, str], authorization: str
) -> None:
    response = http.token({"grant_type": "password", **client, **ALICE}, Authorization=authorization)

    assert response.status_code == 200


@pytest.mark.parametrize("authorization", FOREIGN)
def test_authorization_of_another_scheme_is_ignored_at_the_others(
    waiting: tuple[Http, str], authorization: str
) -> None:
    http, mfa_token = waiting
    headers = {"Authorization": authorization}

    assert http.post("/oauth/revoke", data={**PUBLIC, "token": "x"}, headers=headers).status_code == 200
    assert http.post("/oauth/introspect", data={**BACKEND, "token": "x"}, headers=headers).status_code == 200
    assert http.post("/mfa/challenge", data={**BACKEND, "mfa_token": mfa_token}, headers=headers).status_code == 200


def test_authorization_of_another_scheme_alone_names_no_client(http: Http) -> None:
    response = http.token({"grant_type": "password", **ALICE}, Authorization="Bearer abc")

    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_basic_beside_a_body_secret_is_still_two_methods(http: Http) -> None:
    response = http.token({"grant_type": "password", **BACKEND, **ALICE}, Authorization="Basic eDp5")

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("authorization", ["Basic eDp5", *FOREIGN[1:]])
def test_userinfo_ignores_other_schemes_where_the_form_holds_the_token(http: Http, authorization: str) -> None:
    token = http.login(scope="openid").json()["access_token"]
    response = http.post("/userinfo", data={"access_token": token}, headers={"Authorization": authorization})

    assert response.status_code == 200


def test_bearer_beside_a_token_in_the_form_is_still_two_ways(http: Http) -> None:
    token = http.login(scope="openid").json()["access_token"]
    response = http.post("/userinfo", data={"access_token": token}, headers=bearer(token))

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("authorization", FOREIGN[1:])
def test_other_scheme_alone_is_no_token_at_userinfo(http: Http, authorization: str) -> None:
    response = http.get("/userinfo", headers={"Authorization": authorization})

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="gatehouse"'
