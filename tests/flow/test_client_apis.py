"""`apis` of a client: what people's logins through it may ask for. Through HTTP."""

from typing import Any

import httpx
import pytest

from infra.stage.aws import Stage
from tests.support.clients import make_client
from tests.support.config import document_of
from tests.support.fixed import ISSUER, Clock, Hashes
from tests.support.http import PASSWORD_REALM, REPORTS, TIMESHEETS, Http
from tests.support.tokens import claims_of

READ, CREATE = "read:timesheets", "create:timesheets"
TIMESHEETS_ALONE = [{"audience": TIMESHEETS}]
SECRET = "a secret of the tests"


def client_with(stage: Stage, apis: list[dict[str, Any]] | None, **changes: Any) -> dict[str, str]:
    """Register a confidential client with these `apis`, and return its credentials."""
    return {"client_id": make_client(stage, secret=SECRET, apis=apis, **changes), "client_secret": SECRET}


def change(stage: Stage, client: dict[str, str], clock: Clock, **changes: Any) -> None:
    """Change a client's document, and let every process read it."""
    key = f"client#{client['client_id']}"
    stage.config().put(key, document_of(stage, key) | changes)
    clock.advance(61)


def require_unknown(response: httpx.Response, audience: str) -> None:
    assert (response.status_code, response.json()) == (
        400,
        {"error": "invalid_target", "error_description": f"Service not found: {audience}"},
    )


@pytest.mark.parametrize("apis", [TIMESHEETS_ALONE, []])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"audience": None, "resource": REPORTS},
        {"grant_type": PASSWORD_REALM, "realm": "employees"},
        {"password": "wrong"},
    ],
    ids=["password", "resource", "realm", "wrong password"],
)
def test_api_outside_of_the_list_is_as_unknown_as_one_that_is_nowhere(
    http: Http, stage: Stage, hashes: Hashes, apis: list[dict[str, Any]], params: dict[str, str | None]
) -> None:
    require_unknown(http.login(**{**client_with(stage, apis), "audience": REPORTS, **params}), REPORTS)
    assert hashes.count == 0


def test_api_of_the_list_is_granted_as_ever(http: Http, stage: Stage) -> None:
    response = http.login(**client_with(stage, TIMESHEETS_ALONE))

    assert response.json()["scope"] == f"{READ} {CREATE} delete:timesheets approve:timesheets"


def test_client_without_a_list_may_ask_for_every_api(http: Http, stage: Stage) -> None:
    for audience in (TIMESHEETS, REPORTS):
        assert http.login(**client_with(stage, None), audience=audience).status_code == 200


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (None, f"{READ} {CREATE}"),
        (READ, READ),
        (f"{CREATE} {READ} delete:timesheets", f"{READ} {CREATE}"),
        ("delete:timesheets", ""),
        ("openid", f"openid {READ} {CREATE}"),
        ("openid delete:timesheets", "openid"),
        ("nope", ""),
    ],
)
def test_scopes_are_those_of_the_list_that_were_asked(
    http: Http, stage: Stage, asked: str | None, granted: str
) -> None:
    response = http.login(**client_with(stage, [{"audience": TIMESHEETS, "scope": [CREATE, READ]}]), scope=asked)

    assert response.json()["scope"] == claims_of(response)["scope"] == granted


def test_empty_scope_list_grants_none_of_the_api(http: Http, stage: Stage) -> None:
    client = client_with(stage, [{"audience": TIMESHEETS, "scope": []}])

    assert http.login(**client).json()["scope"] == ""
    assert http.login(**client, scope=f"openid {READ}").json()["scope"] == "openid"


@pytest.mark.parametrize("apis", [[], TIMESHEETS_ALONE])
def test_userinfo_and_the_mfa_api_are_always_allowed(http: Http, stage: Stage, apis: list[dict[str, Any]]) -> None:
    client = client_with(stage, apis)
    userinfo, mfa = http.login(**client, audience=None, scope="openid"), http.login(**client, audience=f"{ISSUER}mfa/")

    assert claims_of(userinfo)["aud"] == f"{ISSUER}userinfo"
    assert claims_of(mfa)["aud"] == f"{ISSUER}mfa/"


def test_client_credentials_are_bound_by_client_grants_and_not_by_the_list(http: Http, stage: Stage) -> None:
    client = client_with(stage, TIMESHEETS_ALONE, client_grants={REPORTS: ["read:reports"]})
    grant = {"grant_type": "client_credentials", **client}
    own = http.token({**grant, "audience": REPORTS})
    other = http.token({**grant, "audience": TIMESHEETS})

    assert claims_of(own)["scope"] == "read:reports"
    assert (other.status_code, other.json()["error"]) == (403, "access_denied")


def test_refresh_loses_the_scopes_that_left_the_list(http: Http, stage: Stage, clock: Clock) -> None:
    client = client_with(stage, [{"audience": TIMESHEETS, "scope": [READ, CREATE]}])
    token = http.login(**client, scope="offline_access").json()["refresh_token"]
    change(stage, client, clock, apis=[{"audience": TIMESHEETS, "scope": [READ, "delete:timesheets"]}])
    response = http.refresh(token, client)

    assert response.json()["scope"] == claims_of(response)["scope"] == f"offline_access {READ}"


def test_refresh_is_over_while_its_api_is_not_on_the_list(http: Http, stage: Stage, clock: Clock) -> None:
    client = client_with(stage, TIMESHEETS_ALONE)
    token = http.login(**client, scope=f"offline_access {READ}").json()["refresh_token"]
    change(stage, client, clock, apis=[{"audience": REPORTS}])
    response = http.refresh(token, client)
    introspected = http.post("/oauth/introspect", data={"token": token, **client})

    assert (response.status_code, response.json()) == (
        400,
        {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."},
    )
    assert introspected.json() == {"active": False}
    require_unknown(http.refresh(token, client, audience=TIMESHEETS), TIMESHEETS)
    change(stage, client, clock, apis=TIMESHEETS_ALONE)
    assert http.refresh(token, client).status_code == 200


def test_default_audience_outside_of_the_list_is_refused_and_not_granted(http: Http, stage: Stage) -> None:
    tenant = document_of(stage, "tenant")
    client = client_with(stage, TIMESHEETS_ALONE)
    stage.config().put("tenant", tenant | {"default_audience": REPORTS})
    try:
        require_unknown(http.login(**client, audience=None), REPORTS)
    finally:
        stage.config().put("tenant", tenant)
