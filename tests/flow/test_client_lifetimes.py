"""`access_token_lifetime` and `id_token_lifetime` of a client, and `oidc_scopes` of the tenant. Through HTTP."""

from collections.abc import Iterator

import pytest

from infra.stage.aws import Stage
from tests.support.clients import make_api, make_client
from tests.support.config import document_of
from tests.support.fixed import ISSUER
from tests.support.http import TIMESHEETS, Http
from tests.support.tokens import claims_of

SECRET = "a secret of the tests"
FIVE = "openid profile email phone address"


def lives_s(claims: dict[str, int]) -> int:
    return claims["exp"] - claims["iat"]


@pytest.mark.parametrize(("own_s", "expected_s"), [(None, 1000), (999, 999), (1000, 1000), (1001, 1000), (1, 1)])
def test_access_token_lives_as_long_as_client_and_api_both_allow(
    http: Http, stage: Stage, own_s: int | None, expected_s: int
) -> None:
    client_id, audience = (
        make_client(stage, secret=SECRET, access_token_lifetime=own_s),
        make_api(stage, token_lifetime=1000),
    )
    response = http.login(client_id=client_id, client_secret=SECRET, audience=audience)

    assert response.json()["expires_in"] == lives_s(claims_of(response)) == expected_s


@pytest.mark.parametrize(("audience", "expected_s"), [(None, 700), (f"{ISSUER}mfa/", 600)], ids=["userinfo", "mfa"])
def test_clients_lifetime_bounds_our_own_apis_too(
    http: Http, stage: Stage, audience: str | None, expected_s: int
) -> None:
    client_id = make_client(stage, secret=SECRET, access_token_lifetime=700)
    response = http.login(client_id=client_id, client_secret=SECRET, audience=audience, scope="openid")

    assert response.json()["expires_in"] == lives_s(claims_of(response)) == expected_s


def test_clients_lifetime_holds_for_its_refreshes_and_its_own_tokens(http: Http, stage: Stage) -> None:
    client_id = make_client(
        stage, secret=SECRET, access_token_lifetime=700, id_token_lifetime=50, client_grants={TIMESHEETS: []}
    )
    own = {"client_id": client_id, "client_secret": SECRET}
    login = http.login(**own, scope="openid offline_access")
    refreshed = http.refresh(login.json()["refresh_token"], own)
    machine = http.token({"grant_type": "client_credentials", "audience": TIMESHEETS, **own})

    assert [lives_s(claims_of(answer)) for answer in (login, refreshed, machine)] == [700, 700, 700]
    assert [lives_s(claims_of(answer, "id_token")) for answer in (login, refreshed)] == [50, 50]


@pytest.mark.parametrize(("own_s", "expected_s"), [(None, 36_000), (60, 60), (2_592_000, 2_592_000)])
def test_id_token_lives_as_long_as_the_client_says(
    http: Http, stage: Stage, own_s: int | None, expected_s: int
) -> None:
    client_id = make_client(stage, secret=SECRET, id_token_lifetime=own_s)
    response = http.login(client_id=client_id, client_secret=SECRET, scope="openid")

    assert lives_s(claims_of(response, "id_token")) == expected_s


@pytest.fixture
def auth0_scopes(stage: Stage) -> Iterator[None]:
    """Give the tenant `oidc_scopes: auth0`, for processes that begin in the test."""
    tenant = document_of(stage, "tenant")
    stage.config().put("tenant", tenant | {"oidc_scopes": "auth0"})
    yield
    stage.config().put("tenant", tenant)


@pytest.mark.usefixtures("auth0_scopes")
@pytest.mark.parametrize("scope", [None, "", " ", "openid", "openid openid"])
def test_login_that_asks_for_little_gets_auth0s_five(http: Http, scope: str | None) -> None:
    response = http.login(audience=None, scope=scope)
    of_api = http.login(scope=scope)

    assert response.json()["scope"] == FIVE
    assert claims_of(response, "id_token")["email"] == "alice@example.com"
    assert of_api.json()["scope"] == f"{FIVE} read:timesheets create:timesheets delete:timesheets approve:timesheets"


@pytest.mark.usefixtures("auth0_scopes")
@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("openid profile", "openid profile"),
        ("openid offline_access", "openid"),
        ("offline_access", ""),
        ("email", "email"),
        ("nope", ""),
        ("openid nope", "openid"),
    ],
)
def test_login_that_asks_for_more_gets_what_it_asked_for(http: Http, scope: str, granted: str) -> None:
    assert http.login(audience=None, scope=scope).json()["scope"] == granted


@pytest.mark.usefixtures("auth0_scopes")
def test_client_on_its_own_behalf_gets_no_oidc_scope(http: Http) -> None:
    own = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret"}
    response = http.token({"grant_type": "client_credentials", "audience": TIMESHEETS, **own})

    assert response.json()["scope"] == "read:timesheets"


def test_scopes_are_as_asked_unless_the_tenant_says_otherwise(http: Http) -> None:
    assert http.login(audience=None).json()["scope"] == ""
    assert http.login(audience=None, scope="openid").json()["scope"] == "openid"
