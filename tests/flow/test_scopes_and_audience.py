"""Scope, audience and resource, through HTTP. docs/use/http.md decides."""

from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.clients import make_api
from tests.support.fixed import ISSUER, Hashes
from tests.support.http import ALICE, BACKEND, REPORTS, TIMESHEETS, Http
from tests.support.stages import client_of, provision_stage
from tests.support.tokens import claims_of

READ, CREATE, DELETE, APPROVE = ALL = [f"{verb}:timesheets" for verb in ("read", "create", "delete", "approve")]
USERINFO = f"{ISSUER}userinfo"
LOGIN = {"grant_type": "password", "audience": TIMESHEETS, **BACKEND, **ALICE}


def granted(response: httpx.Response) -> list[str]:
    """Return the granted scopes, which the response and the token agree on."""
    assert response.json()["scope"] == claims_of(response)["scope"]
    return str(response.json()["scope"]).split(" ") if response.json()["scope"] else []


def posted(http: Http, body: str) -> httpx.Response:
    """Log in with a form's text added as it stands."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return http.post("/oauth/token", content=f"{urlencode(LOGIN)}&{body}", headers=headers)


def require_invalid_target(response: httpx.Response, described: str) -> None:
    assert (response.status_code, response.json()) == (
        400,
        {"error": "invalid_target", "error_description": f"Service not found: {described}"},
    )


# Scopes.


@pytest.mark.parametrize("scope", [None, "", " "])
def test_no_scope_is_every_scope_of_the_api(http: Http, scope: str | None) -> None:
    assert granted(http.login(scope=scope)) == ALL


@pytest.mark.parametrize(
    ("scope", "expected"),
    [(READ, [READ]), (APPROVE, [APPROVE]), (f"{READ} {CREATE}", [READ, CREATE]), (" ".join(ALL), ALL)],
)
def test_asked_scopes_alone_are_granted(http: Http, scope: str, expected: list[str]) -> None:
    assert granted(http.login(scope=scope)) == expected


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (f"{READ} nope", [READ]),
        ("nope", []),
        ("READ:timesheets", []),
        ("read:reports", []),
        ("read:timesheets,create:timesheets", []),
        (f"{READ}\t{CREATE}", []),
        (f"{READ}\u00a0", []),
        (f'{READ} "\\', [READ]),
    ],
)
def test_unknown_scope_is_dropped_and_the_answer_says_so(http: Http, scope: str, expected: list[str]) -> None:
    assert granted(http.login(scope=scope)) == expected


def test_plus_parts_scopes_and_its_escape_does_not(http: Http) -> None:
    assert granted(posted(http, f"scope={READ}+{CREATE}")) == [READ, CREATE]
    assert granted(posted(http, f"scope={READ}%20{CREATE}")) == [READ, CREATE]
    assert granted(posted(http, f"scope={READ}%2B{CREATE}")) == []


@pytest.mark.parametrize(
    "scope", [f"{CREATE} {READ}", f"{READ} {CREATE} {READ}", f" {READ}  {CREATE} ", f"nope {CREATE} {READ} nope"]
)
def test_order_and_repetition_of_scopes_mean_nothing(http: Http, scope: str) -> None:
    assert granted(http.login(scope=scope)) == [READ, CREATE]


def test_thousand_scopes_are_taken(http: Http) -> None:
    scope = " ".join([*(f"nope:{number}" for number in range(1000)), READ])

    assert granted(http.login(scope=scope)) == [READ]


@pytest.mark.parametrize(("audience", "is_allowed"), [(TIMESHEETS, True), (REPORTS, False)])
def test_offline_access_is_granted_where_the_api_allows_it(http: Http, audience: str, is_allowed: bool) -> None:
    response = http.login(audience=audience, scope="offline_access")

    assert ("offline_access" in granted(response)) is is_allowed
    assert ("refresh_token" in response.json()) is is_allowed


@pytest.mark.parametrize("scope", ["openid", "profile", "email", "phone", "address"])
def test_oidc_scope_is_granted_beside_all_of_the_api(http: Http, scope: str) -> None:
    assert granted(http.login(scope=scope)) == [scope, *ALL]


def test_oidc_scopes_come_only_when_asked(http: Http) -> None:
    assert granted(http.login(scope=f"openid profile {READ}")) == ["openid", "profile", READ]
    assert granted(http.login(scope=READ)) == [READ]


def test_unknown_scope_beside_openid_grants_nothing_of_the_api(http: Http) -> None:
    assert granted(http.login(scope="openid nope")) == ["openid"]


def test_no_id_token_without_openid(http: Http) -> None:
    assert "id_token" not in http.login(scope="profile email").json()


def test_api_without_scopes_grants_none(http: Http, stage: Stage) -> None:
    audience = make_api(stage, scopes=[])

    assert granted(http.login(audience=audience)) == []
    assert granted(http.login(audience=audience, scope=f"openid {READ}")) == ["openid"]


# Audiences.


def test_unknown_audience_is_an_invalid_target(http: Http, hashes: Hashes) -> None:
    require_invalid_target(http.login(audience="https://api.example.com/nope"), "https://api.example.com/nope")
    assert hashes.count == 0


@pytest.mark.parametrize(
    ("audience", "described"),
    [
        pytest.param(TIMESHEETS + "/", TIMESHEETS + "/", id="slash"),
        pytest.param(TIMESHEETS.upper(), TIMESHEETS.upper(), id="case"),
        pytest.param(f" {TIMESHEETS}", f" {TIMESHEETS}", id="space"),
        pytest.param(TIMESHEETS + "\x00", TIMESHEETS + "?", id="NUL"),
        pytest.param('"\\é\r\n', "?????", id="not describable"),
        pytest.param("a" * 101, "a" * 100, id="cut"),
        pytest.param("a" * 2000, "a" * 100, id="over the length of a key"),
        pytest.param("😀" * 300, "?" * 100, id="over the length of a key in bytes"),
        pytest.param("../client#demo-backend", "../client#demo-backend", id="other document"),
        pytest.param(USERINFO, USERINFO, id="userinfo"),
    ],
)
def test_audience_is_compared_exactly_and_described_safely(http: Http, audience: str, described: str) -> None:
    require_invalid_target(http.login(audience=audience), described)


def test_audience_of_the_token_is_the_api_alone(http: Http) -> None:
    assert claims_of(http.login())["aud"] == TIMESHEETS
    assert claims_of(http.login(audience=REPORTS))["aud"] == REPORTS


@pytest.mark.parametrize("scope", ["openid", f"openid {READ}", "profile openid nope"])
def test_openid_adds_userinfo_to_the_audience(http: Http, scope: str) -> None:
    assert claims_of(http.login(scope=scope))["aud"] == [TIMESHEETS, USERINFO]


@pytest.mark.parametrize("scope", ["profile email", READ])
def test_audience_without_openid_is_the_api_alone(http: Http, scope: str) -> None:
    assert claims_of(http.login(scope=scope))["aud"] == TIMESHEETS


@pytest.mark.parametrize(
    ("scope", "expected"),
    [(None, []), ("openid email", ["openid", "email"]), (READ, []), (f"openid {READ}", ["openid"])],
)
def test_no_audience_is_a_token_for_userinfo_alone(http: Http, scope: str | None, expected: list[str]) -> None:
    response = http.login(audience=None, scope=scope)

    assert claims_of(response)["aud"] == USERINFO
    assert granted(response) == expected


@pytest.fixture(scope="module")
def with_default(stage: Stage, demo: TenantFile) -> Stage:
    """A stage whose tenant has a default audience."""
    return provision_stage("audience", demo, default_audience=REPORTS)


@pytest.fixture
def targeted(with_default: Stage, externals: wiring.Externals) -> Iterator[Http]:
    with client_of(with_default, externals) as client:
        yield client


@pytest.mark.parametrize("audience", [None, ""])
def test_default_audience_is_that_of_a_request_without_one(targeted: Http, audience: str | None) -> None:
    response = targeted.login(audience=audience)

    assert claims_of(response)["aud"] == REPORTS
    assert granted(response) == ["read:reports"]


@pytest.mark.parametrize("name", ["audience", "resource"])
def test_default_audience_gives_way_to_that_of_the_request(targeted: Http, name: str) -> None:
    assert claims_of(targeted.login(**{"audience": None, name: TIMESHEETS}))["aud"] == TIMESHEETS


# Resources (RFC 8707).


def test_resource_is_the_audience(http: Http) -> None:
    response = http.login(audience=None, resource=TIMESHEETS)

    assert claims_of(response)["aud"] == TIMESHEETS
    assert granted(response) == ALL


def test_same_resource_and_audience_are_one(http: Http) -> None:
    assert claims_of(http.login(resource=TIMESHEETS))["aud"] == TIMESHEETS


@pytest.mark.parametrize(
    "resource", [f"{TIMESHEETS}#part", f"{TIMESHEETS}#", "timesheets", "/timesheets", "#", "urn:x"]
)
def test_resource_with_a_fragment_or_relative_is_an_invalid_target(http: Http, resource: str) -> None:
    require_invalid_target(http.login(audience=None, resource=resource), resource)


def test_empty_second_resource_counts_as_omitted(http: Http) -> None:
    response = posted(http, urlencode([("resource", TIMESHEETS), ("resource", "")]))

    assert response.status_code == 200, response.text


@pytest.mark.parametrize("second", [TIMESHEETS, REPORTS])
def test_two_resources_are_a_parameter_given_twice(http: Http, hashes: Hashes, second: str) -> None:
    response = posted(http, urlencode([("resource", TIMESHEETS), ("resource", second)]))

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert hashes.count == 0


@pytest.mark.parametrize("resource", [REPORTS, "https://api.example.com/nope", TIMESHEETS + "/"])
def test_audience_and_another_resource_are_invalid(http: Http, hashes: Hashes, resource: str) -> None:
    response = http.login(resource=resource)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert hashes.count == 0
