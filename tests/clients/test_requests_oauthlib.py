"""requests-oauthlib, unchanged."""

from typing import Any

import pytest
from oauthlib.oauth2 import InvalidClientError, InvalidGrantError, LegacyApplicationClient  # type: ignore[import-untyped]  # no types
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session  # type: ignore[import-untyped]  # no types

from tests.clients.support import BASIC_ID, BASIC_SECRET, token_url, verified
from tests.support.http import ALICE, BACKEND, TIMESHEETS
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess


@pytest.fixture(autouse=True)
def insecure_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the library speak HTTP, as its manual says for a local server."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def fetched(run: LocalProcess, client_id: str, **options: Any) -> dict[str, Any]:
    """Log alice in, and return the token."""
    options = {"timeout": WAIT_S, "audience": TIMESHEETS, **ALICE, **options}
    with OAuth2Session(client=LegacyApplicationClient(client_id, scope=options.pop("scope", None))) as session:
        token: dict[str, Any] = session.fetch_token(token_url(run), **options)
        return token


def test_credentials_in_the_body_log_in(run: LocalProcess) -> None:
    token = fetched(run, include_client_id=True, **BACKEND)

    assert verified(run, token["access_token"], TIMESHEETS)["client_id"] == BACKEND["client_id"]
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 86_400)


def test_basic_with_an_odd_secret_logs_in(run: LocalProcess) -> None:
    token = fetched(run, BASIC_ID, client_secret=BASIC_SECRET)

    assert verified(run, token["access_token"], TIMESHEETS)["client_id"] == BASIC_ID


def test_basic_with_the_client_id_in_the_body_too_logs_in(run: LocalProcess) -> None:
    token = fetched(run, BASIC_ID, auth=HTTPBasicAuth(BASIC_ID, BASIC_SECRET), include_client_id=True)

    assert verified(run, token["access_token"], TIMESHEETS)["client_id"] == BASIC_ID


def test_public_client_logs_in_with_its_id_alone(run: LocalProcess) -> None:
    token = fetched(run, "demo-native", include_client_id=True)

    assert verified(run, token["access_token"], TIMESHEETS)["client_id"] == "demo-native"


def test_scopes_that_were_asked_are_granted(run: LocalProcess) -> None:
    asked = ["create:timesheets", "read:timesheets"]
    token = fetched(run, include_client_id=True, scope=asked, **BACKEND)

    assert sorted(str(token["scope"]).split() if isinstance(token["scope"], str) else token["scope"]) == asked


def test_dropped_scope_raises_as_the_library_does_on_every_change(run: LocalProcess) -> None:
    # The library takes the answer's `scope` for an error where it is not what was asked, unless told to relax.
    with pytest.raises(Warning, match="Scope has changed"):
        fetched(run, include_client_id=True, scope=["read:timesheets", "unknown"], **BACKEND)


def test_dropped_scope_is_taken_where_the_library_is_relaxed(
    run: LocalProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    token = fetched(run, include_client_id=True, scope=["read:timesheets", "unknown"], **BACKEND)

    assert verified(run, token["access_token"], TIMESHEETS)["scope"] == "read:timesheets"


def test_wrong_password_raises_invalid_grant(run: LocalProcess) -> None:
    with pytest.raises(InvalidGrantError, match="Wrong email or password"):
        fetched(run, include_client_id=True, password="wrong", **BACKEND)


def test_wrong_secret_raises_invalid_client(run: LocalProcess) -> None:
    with pytest.raises(InvalidClientError, match="Client authentication failed"):
        fetched(run, BASIC_ID, client_secret="wrong")


def test_https_login_works_with_the_authority_that_the_run_names(
    trusted: LocalProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OAUTHLIB_INSECURE_TRANSPORT")
    token = fetched(trusted, include_client_id=True, **BACKEND)

    assert verified(trusted, token["access_token"], TIMESHEETS)["iss"] == trusted.url
