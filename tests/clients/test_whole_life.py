"""The life of a token as unchanged clients live it: login, refresh, identity, revocation, machine to machine."""

import time
from typing import Any

import jwt
import pytest
import requests
from auth0.authentication import GetToken, RevokeToken, Users
from auth0.authentication.exceptions import Auth0Error
from authlib.integrations.base_client.errors import OAuthError  # type: ignore[import-untyped]  # no types
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession  # type: ignore[import-untyped]  # no types
from oauthlib.oauth2 import LegacyApplicationClient  # type: ignore[import-untyped]  # no types
from requests_oauthlib import OAuth2Session  # type: ignore[import-untyped]  # no types

from tests.clients.support import domain, token_url, verified
from tests.support.http import ALICE, BACKEND, TIMESHEETS
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess

SCOPE = "openid profile email offline_access read:timesheets"
# The SDK asks for the time in a way that newer versions of Python warn of.
pytestmark = pytest.mark.filterwarnings("ignore:.*utcnow:DeprecationWarning")


@pytest.fixture(autouse=True)
def plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let oauthlib speak to a local run without TLS, as its documentation says."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def sdk(run: LocalProcess, kind: Any, **options: Any) -> Any:
    """Return one of the SDK's clients, as an application makes it."""
    protocol = run.url.partition(":")[0]
    return kind(domain(run), **{**BACKEND, "timeout": WAIT_S, "protocol": protocol, **options})


def id_claims(run: LocalProcess, id_token: str) -> dict[str, Any]:
    """Verify an ID token as an application does."""
    key = jwt.PyJWKClient(f"{run.url}.well-known/jwks.json").get_signing_key_from_jwt(id_token)
    claims: dict[str, Any] = jwt.decode(
        id_token, key, algorithms=["RS256"], audience=BACKEND["client_id"], issuer=run.url
    )
    return claims


def test_auth0_python_lives_the_whole_life(run: LocalProcess) -> None:
    tokens = sdk(run, GetToken)
    first = tokens.login(**ALICE, realm="employees", audience=TIMESHEETS, scope=SCOPE)
    assert id_claims(run, first["id_token"])["email"] == "alice@example.com"

    second = tokens.refresh_token(first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    assert verified(run, second["access_token"], TIMESHEETS)["gty"] == ["refresh_token", "password"]

    shown = Users(domain(run), timeout=WAIT_S, protocol=run.url.partition(":")[0]).userinfo(second["access_token"])
    assert (shown["name"], shown["email"], shown["sub"]) == (
        "Alice Liddell",
        "alice@example.com",
        id_claims(run, second["id_token"])["sub"],
    )

    sdk(run, RevokeToken).revoke_refresh_token(second["refresh_token"])
    with pytest.raises(Auth0Error) as caught:
        tokens.refresh_token(second["refresh_token"])
    assert (caught.value.status_code, caught.value.error_code) == (400, "invalid_grant")


def test_auth0_python_narrows_at_refresh(run: LocalProcess) -> None:
    tokens = sdk(run, GetToken)
    first = tokens.login(**ALICE, realm="employees", audience=TIMESHEETS, scope=SCOPE)

    assert tokens.refresh_token(first["refresh_token"], scope="read:timesheets")["scope"] == "read:timesheets"


def test_auth0_python_logs_a_machine_in(run: LocalProcess) -> None:
    machine = sdk(run, GetToken, client_id="demo-m2m", client_secret="demo-m2m-secret")
    answer = machine.client_credentials(TIMESHEETS)

    claims = verified(run, answer["access_token"], TIMESHEETS)
    assert (claims["sub"], claims["gty"], answer["scope"]) == (
        "demo-m2m@clients",
        "client-credentials",
        "read:timesheets",
    )


def test_authlib_refreshes_by_itself_and_revokes(run: LocalProcess) -> None:
    kept: list[dict[str, Any]] = []
    session = AuthlibSession(
        BACKEND["client_id"],
        BACKEND["client_secret"],
        token_endpoint=token_url(run),
        token_endpoint_auth_method="client_secret_post",
        revocation_endpoint_auth_method="client_secret_post",
        update_token=lambda token, refresh_token: kept.append(token),
        default_timeout=WAIT_S,
    )
    with session:
        first = session.fetch_token(token_url(run), **ALICE, audience=TIMESHEETS, scope=SCOPE)
        session.token = first | {"expires_at": int(time.time()) - 1}
        shown = session.get(f"{run.url}userinfo")

        assert shown.json()["preferred_username"] == "alice"
        (second,) = kept
        assert second["refresh_token"] != first["refresh_token"]
        assert session.introspect_token(f"{run.url}oauth/introspect", second["refresh_token"]).json()["active"] is True
        assert session.revoke_token(f"{run.url}oauth/revoke", second["refresh_token"]).status_code == 200
        with pytest.raises(OAuthError):
            session.refresh_token(token_url(run), second["refresh_token"])


def test_requests_oauthlib_refreshes_by_itself_and_revokes(run: LocalProcess) -> None:
    kept: list[dict[str, Any]] = []
    session = OAuth2Session(
        client=LegacyApplicationClient(BACKEND["client_id"], scope=SCOPE.split()),
        auto_refresh_url=token_url(run),
        auto_refresh_kwargs=dict(BACKEND),
        token_updater=kept.append,
    )
    with session:
        first = session.fetch_token(
            token_url(run), **ALICE, client_secret=BACKEND["client_secret"], include_client_id=True, audience=TIMESHEETS
        )
        session.token = dict(first) | {"expires_in": -1, "expires_at": time.time() - 1}
        shown = session.get(f"{run.url}userinfo", timeout=WAIT_S)

        assert shown.json()["email"] == "alice@example.com"
        (second,) = kept
        assert second["refresh_token"] != first["refresh_token"]
    gone = requests.post(f"{run.url}oauth/revoke", data={**BACKEND, "token": second["refresh_token"]}, timeout=WAIT_S)
    assert (gone.status_code, gone.content) == (200, b"")


def test_plain_bearer_requests_meet_the_challenges(run: LocalProcess) -> None:
    missing = requests.get(f"{run.url}userinfo", timeout=WAIT_S)
    wrong = requests.get(f"{run.url}userinfo", headers={"Authorization": "Bearer x"}, timeout=WAIT_S)

    assert (missing.status_code, missing.headers["WWW-Authenticate"]) == (401, 'Bearer realm="gatehouse"')
    assert wrong.status_code == 401
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]
