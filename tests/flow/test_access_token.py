"""The access token (RFC 9068) and its response (RFC 6749 5.1), through HTTP."""

from base64 import urlsafe_b64decode

import jwt
import pytest

from infra.stage.aws import Stage
from tests.support.access_tokens import verify_token
from tests.support.clients import make_api
from tests.support.fixed import ISSUER, Clock
from tests.support.http import REPORTS, TIMESHEETS, Http


def test_response_holds_what_rfc6749_asks_for(http: Http) -> None:
    body = http.login().json()

    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert body["token_type"] == "Bearer"
    assert isinstance(body["scope"], str)
    claims = verify_token(http, body["access_token"])
    assert body["expires_in"] == claims["exp"] - claims["iat"] == 86400


def test_response_is_not_stored(http: Http) -> None:
    headers = http.login().headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["Pragma"] == "no-cache"
    assert headers["Strict-Transport-Security"] == "max-age=31536000"


def test_header_is_that_of_rfc9068(http: Http) -> None:
    header = jwt.get_unverified_header(http.login().json()["access_token"])
    kids = {key["kid"] for key in http.get("/.well-known/jwks.json").json()["keys"]}

    assert header["typ"] == "at+jwt"
    assert header["alg"] == "RS256"
    assert header["kid"] in kids
    assert set(header) == {"typ", "alg", "kid"}


def test_claims_are_those_of_rfc9068_and_auth0(http: Http, clock: Clock) -> None:
    claims = verify_token(http, http.login(scope="read:timesheets").json()["access_token"])

    now = int(clock())
    sub = claims.pop("sub")
    assert claims == {
        "iss": ISSUER,
        "aud": TIMESHEETS,
        "iat": now,
        "exp": now + 86400,
        "jti": "jti-1",
        "client_id": "demo-backend",
        "azp": "demo-backend",
        "scope": "read:timesheets",
        "gty": "password",
        "auth_time": now,
        "amr": ["pwd"],
    }
    realm, _, number = sub.partition("|")
    assert realm == "employees"
    assert len(number) == 24
    assert int(number, 16) >= 0


def test_realm_grant_has_the_same_gty(http: Http) -> None:
    claims = verify_token(http, http.realm_login("employees").json()["access_token"])

    assert claims["gty"] == "password"


def test_times_are_whole_seconds(http: Http) -> None:
    claims = verify_token(http, http.login().json()["access_token"])

    assert all(type(claims[name]) is int for name in ("iat", "exp", "auth_time"))
    assert "nbf" not in claims


def test_each_token_has_a_jti_of_its_own(http: Http) -> None:
    ids = {verify_token(http, http.login().json()["access_token"])["jti"] for _ in range(5)}

    assert len(ids) == 5


def test_es256_api_gets_a_raw_signature(http: Http) -> None:
    body = http.login(audience=REPORTS).json()

    assert jwt.get_unverified_header(body["access_token"])["alg"] == "ES256"
    assert len(urlsafe_b64decode(body["access_token"].rsplit(".")[2] + "==")) == 64
    assert verify_token(http, body["access_token"], REPORTS)["aud"] == REPORTS
    assert body["expires_in"] == 600


def test_token_for_userinfo_alone_is_signed_with_rs256(http: Http) -> None:
    token = http.login(audience=None).json()["access_token"]

    assert verify_token(http, token, f"{ISSUER}userinfo")["aud"] == f"{ISSUER}userinfo"


def test_openid_adds_userinfo_to_the_audience(http: Http) -> None:
    token = http.login(scope="openid read:timesheets").json()["access_token"]

    assert verify_token(http, token)["aud"] == [TIMESHEETS, f"{ISSUER}userinfo"]


def test_auth0_dialect_keeps_its_typ(http: Http, stage: Stage) -> None:
    audience = make_api(stage, token_dialect="access_token")

    assert jwt.get_unverified_header(http.login(audience=audience).json()["access_token"])["typ"] == "JWT"


def test_token_lifetime_is_the_apis_own(http: Http, stage: Stage) -> None:
    audience = make_api(stage, token_lifetime=42)

    assert http.login(audience=audience).json()["expires_in"] == 42


def test_token_over_the_cap_is_refused_and_not_trimmed(http: Http, stage: Stage) -> None:
    audience = make_api(stage, scopes=[{"value": f"{number:03}" * 80} for number in range(20)])
    response = http.login(audience=audience)

    assert (response.status_code, response.json()) == (
        500,
        {"error": "server_error", "error_description": "The login could not be completed."},
    )
    assert "bytes to sign" in http.log[-1]["reason"]


@pytest.mark.parametrize("part", [0, 1, 2])
def test_tampered_token_does_not_verify(http: Http, part: int) -> None:
    parts = http.login().json()["access_token"].split(".")
    raw = bytearray(urlsafe_b64decode(parts[part] + "=="))
    raw[len(raw) // 2] ^= 1
    parts[part] = jwt.utils.base64url_encode(bytes(raw)).decode()

    with pytest.raises((jwt.InvalidTokenError, KeyError)):
        verify_token(http, ".".join(parts))
