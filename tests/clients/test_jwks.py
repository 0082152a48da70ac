"""An API that verifies access tokens with PyJWT and the served keys."""

import jwt
import pytest
import requests

from tests.clients.support import token_url, verified
from tests.support.http import ALICE, BACKEND, REPORTS, TIMESHEETS
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess


def access_token(run: LocalProcess, audience: str) -> str:
    login = {"grant_type": "password", "audience": audience, **BACKEND, **ALICE}
    return str(requests.post(token_url(run), data=login, timeout=WAIT_S).json()["access_token"])


@pytest.mark.parametrize(("audience", "alg"), [(TIMESHEETS, "RS256"), (REPORTS, "ES256")])
def test_token_verifies_with_the_served_keys(run: LocalProcess, audience: str, alg: str) -> None:
    token = access_token(run, audience)
    claims = verified(run, token, audience, alg)

    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == (alg, "at+jwt")
    assert (claims["iss"], claims["aud"], claims["client_id"]) == (run.url, audience, BACKEND["client_id"])


def test_token_for_one_api_is_refused_by_the_other(run: LocalProcess) -> None:
    with pytest.raises(jwt.InvalidAudienceError):
        verified(run, access_token(run, TIMESHEETS), "https://api.example.com/another")


def test_token_verifies_over_https(trusted: LocalProcess) -> None:
    assert verified(trusted, access_token(trusted, TIMESHEETS), TIMESHEETS)["iss"] == trusted.url


def test_token_of_one_run_is_refused_by_the_keys_of_the_other(run: LocalProcess, trusted: LocalProcess) -> None:
    with pytest.raises(jwt.PyJWKClientError):
        verified(trusted, access_token(run, TIMESHEETS), TIMESHEETS)


def test_metadata_names_the_places_that_clients_use(run: LocalProcess) -> None:
    metadata = requests.get(f"{run.url}.well-known/openid-configuration", timeout=WAIT_S).json()

    assert metadata["issuer"] == run.url
    assert metadata["token_endpoint"] == token_url(run)
    assert requests.get(metadata["jwks_uri"], timeout=WAIT_S).status_code == 200


def test_keys_have_an_ec_one_only_where_an_api_wants_es256(run: LocalProcess, trusted: LocalProcess) -> None:
    served = [requests.get(f"{one.url}.well-known/jwks.json", timeout=WAIT_S).json() for one in (run, trusted)]

    assert [sorted(key["kty"] for key in keys["keys"]) for keys in served] == [["EC", "RSA"], ["RSA"]]
