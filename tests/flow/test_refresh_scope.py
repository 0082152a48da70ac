"""`scope` at a refresh (RFC 6749 6): one rule, whatever the login's own string was. Through HTTP."""

import pytest

from infra.stage.aws import Stage
from tests.support.clients import make_api, make_client
from tests.support.config import document_of
from tests.support.fixed import Clock
from tests.support.http import Http

READ, CREATE = "read:timesheets", "create:timesheets"
LOGIN = f"openid profile offline_access {READ} {CREATE}"


def refreshed(http: Http, login: str, scope: str | None) -> str:
    """Log in with one scope string, refresh with another, and return what the refresh was granted."""
    response = http.refresh(http.login(scope=login).json()["refresh_token"], scope=scope)
    assert response.status_code == 200, response.text
    granted: str = response.json()["scope"]
    return granted


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        (None, LOGIN),
        ("", LOGIN),
        ("openid profile offline_access", LOGIN),
        ("openid profile", f"openid profile {READ} {CREATE}"),
        ("openid", f"openid {READ} {CREATE}"),
        ("offline_access", f"offline_access {READ} {CREATE}"),
        ("nobody:knows", f"{READ} {CREATE}"),
        ("nobody:knows neither:this", f"{READ} {CREATE}"),
        ("read:reports", f"{READ} {CREATE}"),
        (f"nobody:knows {READ}", READ),
        ("openid nobody:knows", f"openid {READ} {CREATE}"),
        (f"openid nobody:knows {CREATE}", f"openid {CREATE}"),
        (READ, READ),
        (f"offline_access {READ}", f"offline_access {READ}"),
    ],
)
def test_scope_of_a_refresh_is_read_as_that_of_a_login(http: Http, scope: str | None, granted: str) -> None:
    assert sorted(refreshed(http, LOGIN, scope).split()) == sorted(granted.split())


@pytest.mark.parametrize(
    "scope",
    [
        "openid profile offline_access",
        "offline_access",
        f"openid offline_access {READ}",
        f"offline_access {READ} nobody:knows",
        "openid profile email phone address offline_access",
    ],
)
def test_logins_own_string_gives_again_what_the_login_got(http: Http, scope: str) -> None:
    login = http.login(scope=scope).json()

    assert http.refresh(login["refresh_token"], scope=scope).json()["scope"] == login["scope"]


@pytest.mark.parametrize(
    "scope", ["delete:timesheets", f"{READ} delete:timesheets", "openid email", "email", f"phone {READ} nobody:knows"]
)
def test_scope_that_exists_and_was_not_granted_is_refused_and_uses_nothing_up(http: Http, scope: str) -> None:
    token = http.login(scope=LOGIN).json()["refresh_token"]
    response = http.refresh(token, scope=scope)

    assert (response.status_code, response.json()) == (
        400,
        {"error": "invalid_scope", "error_description": "The scope is wider than what was granted."},
    )
    assert http.refresh(token, scope=None).status_code == 200


def test_refresh_goes_on_though_one_of_them_left_offline_access_out(http: Http) -> None:
    token = http.login(scope=LOGIN).json()["refresh_token"]
    narrow = http.refresh(token, scope=READ).json()

    assert http.refresh(narrow["refresh_token"], scope=None).json()["scope"] == LOGIN


def test_scope_that_the_api_lost_is_dropped_as_nobody_defines_it(http: Http, stage: Stage, clock: Clock) -> None:
    audience, own = make_api(stage), {"client_id": make_client(stage, secret="s"), "client_secret": "s"}
    token = http.login(**own, audience=audience, scope=f"offline_access {READ} {CREATE}").json()["refresh_token"]
    key = f"api#{audience}"
    stage.config().put(key, document_of(stage, key) | {"scopes": [{"value": READ}]})
    clock.advance(61)

    assert http.refresh(token, scope=CREATE, **own).json()["scope"] == READ


@pytest.mark.parametrize("scope", ["nobody:knows", "create:timesheets", "read:timesheets nobody:knows"])
def test_client_on_its_own_behalf_is_held_to_its_grant_to_the_letter(http: Http, scope: str) -> None:
    response = http.token(
        {
            "grant_type": "client_credentials",
            "client_id": "demo-m2m",
            "client_secret": "demo-m2m-secret",
            "audience": "https://api.example.com/timesheets",
            "scope": scope,
        }
    )

    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")
