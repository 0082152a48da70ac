"""Authlib's client, unchanged."""

import time
from typing import Any

import pytest
from authlib.integrations.base_client.errors import OAuthError  # type: ignore[import-untyped]  # no types
from authlib.integrations.requests_client import OAuth2Session  # type: ignore[import-untyped]  # no types
from authlib.oauth2.rfc7523 import PrivateKeyJWT  # type: ignore[import-untyped]  # no types
from joserfc.jwk import ECKey, RSAKey

from tests.clients.conftest import SigningClient
from tests.clients.support import BASIC_ID, BASIC_SECRET, token_url, verified
from tests.support.http import ALICE, BACKEND, PASSWORD_REALM, TIMESHEETS
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess

CUSTOMER = {"username": "bob@example.com", "password": "bob's long password"}
LIFETIME_S = 240


def session(method: str, client_id: str, secret: Any = None) -> OAuth2Session:
    """Return the client, as an application makes it."""
    return OAuth2Session(client_id, secret, token_endpoint_auth_method=method, default_timeout=WAIT_S)


def fetched(run: LocalProcess, client: OAuth2Session, **options: str) -> dict[str, Any]:
    """Log alice in, and return the token."""
    with client:
        token: dict[str, Any] = client.fetch_token(token_url(run), **{"audience": TIMESHEETS, **ALICE, **options})
        return token


def signing(run: LocalProcess, client: SigningClient, claims: dict[str, Any] | None = None) -> OAuth2Session:
    """Return a client that signs with its key. claims: what it says of itself beside its own."""
    key = (RSAKey if client.alg == "RS256" else ECKey).import_key(client.pem)
    made = session("private_key_jwt", client.client_id, key)
    made.register_client_auth_method(PrivateKeyJWT(token_url(run), claims=claims, alg=client.alg))
    return made


def refusal(run: LocalProcess, client: OAuth2Session, **options: str) -> tuple[str, str]:
    """Return the code and the description that the client raises."""
    with pytest.raises(OAuthError) as caught:
        fetched(run, client, **options)
    return caught.value.error, caught.value.description


@pytest.mark.parametrize(
    ("method", "client_id", "secret"),
    [
        ("client_secret_post", BACKEND["client_id"], BACKEND["client_secret"]),
        ("client_secret_basic", BASIC_ID, BASIC_SECRET),
        ("none", "demo-native", None),
    ],
)
def test_client_logs_a_person_in_with_its_method(
    run: LocalProcess, method: str, client_id: str, secret: str | None
) -> None:
    token = fetched(run, session(method, client_id, secret))

    assert verified(run, token["access_token"], TIMESHEETS)["client_id"] == client_id
    assert token["expires_at"] == pytest.approx(time.time() + 86_400, abs=WAIT_S)


def test_realm_grant_logs_in_to_the_realm(run: LocalProcess) -> None:
    client = session("client_secret_post", **{"client_id": BACKEND["client_id"], "secret": BACKEND["client_secret"]})
    token = fetched(run, client, grant_type=PASSWORD_REALM, realm="customers", **CUSTOMER)

    assert str(verified(run, token["access_token"], TIMESHEETS)["sub"]).startswith("customers|")


def test_scope_of_the_session_is_asked_and_granted(run: LocalProcess) -> None:
    token = fetched(run, session("client_secret_basic", BASIC_ID, BASIC_SECRET), scope="read:timesheets")

    assert token["scope"] == "read:timesheets"


def test_other_method_than_the_registered_one_is_refused(run: LocalProcess) -> None:
    post = session("client_secret_post", BASIC_ID, BASIC_SECRET)

    assert refusal(run, post) == ("invalid_client", "Client authentication failed.")


def test_wrong_password_raises_invalid_grant(run: LocalProcess) -> None:
    basic = session("client_secret_basic", BASIC_ID, BASIC_SECRET)

    assert refusal(run, basic, password="wrong") == ("invalid_grant", "Wrong email or password.")


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_private_key_jwt_logs_in_where_the_assertion_lives_shortly(
    run: LocalProcess, signing_clients: dict[str, SigningClient], alg: str
) -> None:
    client = signing_clients[alg]
    token = fetched(run, signing(run, client, {"exp": int(time.time()) + LIFETIME_S}))

    assert verified(run, token["access_token"], TIMESHEETS)["client_id"] == client.client_id


def test_assertion_of_the_issuers_name_logs_in(run: LocalProcess, signing_clients: dict[str, SigningClient]) -> None:
    claims = {"exp": int(time.time()) + LIFETIME_S, "aud": run.url}

    assert fetched(run, signing(run, signing_clients["RS256"], claims))["token_type"] == "Bearer"


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_assertion_as_the_library_makes_it_unasked_lives_too_long_and_is_refused(
    run: LocalProcess, signing_clients: dict[str, SigningClient], alg: str
) -> None:
    # Authlib's assertions live for an hour; ours may live for five minutes.
    assert refusal(run, signing(run, signing_clients[alg]))[0] == "invalid_client"


def test_claims_given_once_make_one_jti_that_is_used_once(
    run: LocalProcess, signing_clients: dict[str, SigningClient]
) -> None:
    # Authlib writes the jti of its first assertion into the claims that it was given, and keeps it.
    client = signing(run, signing_clients["RS256"], {"exp": int(time.time()) + LIFETIME_S})
    fetched(run, client)

    assert refusal(run, client)[0] == "invalid_client"


def test_key_of_another_client_is_refused(run: LocalProcess, signing_clients: dict[str, SigningClient]) -> None:
    rsa, ec = signing_clients["RS256"], signing_clients["ES256"]
    claims = {"exp": int(time.time()) + LIFETIME_S}
    swapped = SigningClient(rsa.client_id, ec.alg, ec.key)

    assert refusal(run, signing(run, swapped, claims))[0] == "invalid_client"


def test_https_login_works_with_the_authority_that_the_run_names(trusted: LocalProcess) -> None:
    token = fetched(trusted, session("client_secret_basic", BASIC_ID, BASIC_SECRET))

    assert verified(trusted, token["access_token"], TIMESHEETS)["iss"] == trusted.url
