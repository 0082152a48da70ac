"""auth0-python, unchanged: Auth0's own SDK."""

import uuid
from typing import Any

import jwt
import pytest
import requests
from auth0.authentication import GetToken
from auth0.authentication.exceptions import Auth0Error, RateLimitError
from auth0.authentication.token_verifier import AsymmetricSignatureVerifier, TokenVerifier

from tests.clients.conftest import SigningClient
from tests.clients.support import domain, verified
from tests.support.http import ALICE, BACKEND, REPORTS, TIMESHEETS
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess

CUSTOMER = {"username": "alice@example.com", "password": "a different directory"}
MAX_ATTEMPTS = 10
# The SDK asks for the time in a way that newer versions of Python warn of.
pytestmark = pytest.mark.filterwarnings("ignore:.*utcnow:DeprecationWarning")


def sdk(
    run: LocalProcess, client_id: str = BACKEND["client_id"], secret: str | None = BACKEND["client_secret"]
) -> GetToken:
    """Return the SDK, as an application makes it."""
    protocol = run.url.partition(":")[0]
    return GetToken(domain(run), client_id, client_secret=secret, timeout=WAIT_S, protocol=protocol)


def refusal(run: LocalProcess, **login: str) -> tuple[int, str, str]:
    """Return the status, code and message of what the SDK raises."""
    with pytest.raises(Auth0Error) as caught:
        sdk(run).login(**{"grant_type": "password", **ALICE, **login})
    return caught.value.status_code, caught.value.error_code, caught.value.message


def test_login_in_a_realm_is_a_token_of_that_realm(run: LocalProcess) -> None:
    answer = sdk(run).login(**CUSTOMER, realm="customers", audience=TIMESHEETS)

    claims = verified(run, answer["access_token"], TIMESHEETS)
    assert str(claims["sub"]).startswith("customers|")
    assert (claims["azp"], claims["gty"], answer["token_type"]) == ("demo-backend", "password", "Bearer")


def test_login_without_a_realm_takes_the_default_directory(run: LocalProcess) -> None:
    answer = sdk(run).login(**ALICE, grant_type="password", audience=TIMESHEETS)

    assert str(verified(run, answer["access_token"], TIMESHEETS)["sub"]).startswith("employees|")


def test_nulls_for_scope_realm_and_audience_count_as_absent(run: LocalProcess) -> None:
    # The SDK sends a null for each argument that it was not given.
    answer = sdk(run).login(**ALICE, grant_type="password")

    assert jwt.decode(answer["access_token"], options={"verify_signature": False})["aud"] == f"{run.url}userinfo"


def test_empty_scope_counts_as_absent(run: LocalProcess) -> None:
    answer = sdk(run).login(**ALICE, grant_type="password", audience=TIMESHEETS, scope="")

    assert answer["scope"] == "read:timesheets create:timesheets delete:timesheets approve:timesheets"


def test_scopes_that_were_asked_are_granted(run: LocalProcess) -> None:
    answer = sdk(run).login(**ALICE, realm="employees", audience=TIMESHEETS, scope="read:timesheets")

    assert answer["scope"] == verified(run, answer["access_token"], TIMESHEETS)["scope"] == "read:timesheets"


@pytest.mark.parametrize(
    ("login", "raised"),
    [
        ({"password": "wrong"}, (400, "invalid_grant", "Wrong email or password.")),
        ({"username": "nobody"}, (400, "invalid_grant", "Wrong email or password.")),
        ({"username": "blocked"}, (403, "unauthorized", "user is blocked")),
        ({"password": ""}, (400, "invalid_request", "Missing required parameter: password")),
        ({"audience": "https://nowhere"}, (400, "invalid_target", "Service not found: https://nowhere")),
        ({"grant_type": "magic"}, (400, "unsupported_grant_type", "Unsupported grant type: magic")),
    ],
)
def test_refused_login_raises_auth0error(
    run: LocalProcess, login: dict[str, str], raised: tuple[int, str, str]
) -> None:
    assert refusal(run, **login) == raised


def test_realm_grant_without_a_realm_is_an_invalid_request(run: LocalProcess) -> None:
    raised = refusal(run, grant_type="http://auth0.com/oauth/grant-type/password-realm")

    assert raised == (400, "invalid_request", "Missing required parameter: realm")


@pytest.mark.parametrize("realm", ["partners", "nowhere"])
def test_realm_that_the_client_has_not_is_unknown(run: LocalProcess, realm: str) -> None:
    raised = refusal(run, grant_type="http://auth0.com/oauth/grant-type/password-realm", realm=realm)

    assert raised == (400, "invalid_request", "Unknown realm.")


@pytest.mark.parametrize(("client_id", "secret"), [("demo-backend", "wrong"), ("nobody", "x"), ("demo-backend", None)])
def test_client_that_is_not_proved_raises_invalid_client(run: LocalProcess, client_id: str, secret: str | None) -> None:
    with pytest.raises(Auth0Error) as caught:
        sdk(run, client_id, secret).login(**ALICE, grant_type="password")

    assert (caught.value.status_code, caught.value.error_code) == (401, "invalid_client")


def test_client_without_the_grant_raises_unauthorized_client(run: LocalProcess) -> None:
    with pytest.raises(Auth0Error) as caught:
        sdk(run, "demo-m2m", "demo-m2m-secret").login(**ALICE, grant_type="password")

    assert (caught.value.status_code, caught.value.error_code) == (400, "unauthorized_client")


def test_too_many_wrong_passwords_raise_ratelimiterror(run: LocalProcess) -> None:
    guess: dict[str, Any] = {"username": f"guessed-{uuid.uuid4()}", "password": "wrong", "grant_type": "password"}
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(Auth0Error, match="Wrong email or password"):
            sdk(run).login(**guess)
    with pytest.raises(RateLimitError) as caught:
        sdk(run).login(**guess)

    assert (caught.value.status_code, caught.value.error_code) == (429, "too_many_attempts")
    assert isinstance(caught.value.reset_at, int)


def test_https_login_works_with_the_authority_that_the_run_names(trusted: LocalProcess) -> None:
    answer = sdk(trusted).login(**ALICE, realm="employees", audience=TIMESHEETS)

    assert verified(trusted, answer["access_token"], TIMESHEETS)["iss"] == trusted.url


def test_https_login_fails_without_that_authority(tls_run: LocalProcess) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        sdk(tls_run).login(**ALICE, realm="employees")


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_private_key_jwt_of_the_sdk_authenticates(
    trusted: LocalProcess, signing_clients: dict[str, SigningClient], alg: str
) -> None:
    client = signing_clients[alg]
    signing = GetToken(
        domain(trusted),
        client.client_id,
        client_assertion_signing_key=client.pem,
        client_assertion_signing_alg=alg,
        timeout=WAIT_S,
    )
    tokens = [signing.login(**ALICE, realm="employees", audience=TIMESHEETS)["access_token"] for _ in range(2)]

    assert [verified(trusted, one, TIMESHEETS)["client_id"] for one in tokens] == [client.client_id] * 2


def verifier(run: LocalProcess) -> TokenVerifier:
    """Return the SDK's own verifier, of tokens for the timesheets."""
    return TokenVerifier(AsymmetricSignatureVerifier(f"{run.url}.well-known/jwks.json"), run.url, TIMESHEETS)


def test_verifier_of_the_sdk_accepts_a_token_where_every_key_is_rsa(trusted: LocalProcess) -> None:
    answer = sdk(trusted).login(**ALICE, realm="employees", audience=TIMESHEETS)

    assert verifier(trusted).verify(answer["access_token"])["aud"] == TIMESHEETS


def test_verifier_of_the_sdk_fails_where_an_api_signs_with_es256(run: LocalProcess) -> None:
    # It reads every key of the set as RSA. A tenant whose APIs use it has none that signs with ES256.
    answer = sdk(run).login(**ALICE, realm="employees", audience=TIMESHEETS)

    with pytest.raises(jwt.exceptions.InvalidKeyError):
        verifier(run).verify(answer["access_token"])


def test_token_of_an_es256_api_verifies_elsewhere(run: LocalProcess) -> None:
    answer = sdk(run).login(**ALICE, realm="employees", audience=REPORTS)

    assert verified(run, answer["access_token"], REPORTS, "ES256")["scope"] == "read:reports"
