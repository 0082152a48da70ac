"""Client authentication (RFC 6749 2.3, RFC 7523), through HTTP."""

import hmac
import json
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from infra.stage.aws import Stage
from tests.support.client_secrets import (
    BASIC_ID,
    BASIC_SECRET,
    EC_KEY,
    FAILED,
    OTHER_KEY,
    RSA_KEY,
    assertion,
    assertion_login,
    basic,
)
from tests.support.clients import make_client
from tests.support.faults import sent_twice
from tests.support.fixed import ISSUER, Clock
from tests.support.http import ALICE, Http

Assert = Callable[..., str]


def basic_login(http: Http, authorization: str, **params: str) -> Any:
    return http.token({"grant_type": "password", **ALICE, **params}, Authorization=authorization)


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(str, id="raw"),
        pytest.param(quote_plus, id="form-encoded"),
        pytest.param(lambda text: quote(text, safe=""), id="percent-encoded"),
        pytest.param(lambda text: "".join(f"%{byte:02X}" for byte in text.encode()), id="every-byte-encoded"),
    ],
)
def test_basic_is_taken_form_encoded_and_raw(http: Http, encode: Callable[[str], str]) -> None:
    assert basic_login(http, basic(encode(BASIC_ID), encode(BASIC_SECRET))).status_code == 200


@pytest.mark.parametrize("secret", ["+ % & : £ €", "a%41b", "%", "a+b"])
def test_odd_secrets_are_taken_raw_and_form_encoded(http: Http, stage: Stage, secret: str) -> None:
    client_id = make_client(stage, secret=secret, token_endpoint_auth_method="client_secret_basic")

    assert basic_login(http, basic(client_id, secret)).status_code == 200
    assert basic_login(http, basic(client_id, quote_plus(secret))).status_code == 200


def test_latin1_secret_is_taken(http: Http, stage: Stage) -> None:
    client_id = make_client(stage, secret="p\u00a3und", token_endpoint_auth_method="client_secret_basic")
    encoded = b64encode(f"{client_id}:p\u00a3und".encode("latin-1")).decode()

    assert basic_login(http, f"Basic {encoded}").status_code == 200


def test_secret_in_the_body_is_taken_where_registered(http: Http) -> None:
    assert http.login().status_code == 200


def test_secret_in_the_body_of_a_basic_client_is_refused(http: Http) -> None:
    response = http.login(client_id=BASIC_ID, client_secret=BASIC_SECRET)

    assert (response.status_code, response.json()) == (401, FAILED)


def test_basic_for_a_post_client_is_refused_with_a_challenge(http: Http) -> None:
    response = basic_login(http, basic("demo-backend", "demo-backend-secret"))

    assert (response.status_code, response.json()) == (401, FAILED)
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


def test_wrong_basic_secret_is_refused_with_a_challenge(http: Http) -> None:
    response = basic_login(http, basic(BASIC_ID, "wrong"))

    assert (response.status_code, response.json()) == (401, FAILED)
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


def test_wrong_secret_in_the_body_is_refused_with_a_challenge(http: Http) -> None:
    response = http.login(client_secret="wrong")

    assert (response.status_code, response.json()) == (401, FAILED)
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


def test_unknown_client_answers_what_a_wrong_secret_does(http: Http) -> None:
    unknown, wrong = basic_login(http, basic("nobody", "x")), basic_login(http, basic(BASIC_ID, "x"))

    assert unknown.status_code == wrong.status_code == 401
    assert unknown.content == wrong.content


@pytest.mark.parametrize("client_id", ["demo-backend", None, "x" * 2000, "тест"])
def test_no_secret_or_no_client_is_refused(http: Http, client_id: str | None) -> None:
    response = http.login(client_id=client_id, client_secret=None)

    assert (response.status_code, response.json()) == (401, FAILED)


def test_empty_basic_secret_is_no_public_client(http: Http) -> None:
    assert basic_login(http, basic("demo-native", "")).status_code == 401
    assert basic_login(http, basic(BASIC_ID, "")).status_code == 401


def test_public_client_that_sends_a_secret_is_refused(http: Http) -> None:
    assert http.login(client_id="demo-native", client_secret="anything").status_code == 401


def test_public_client_with_the_grant_gets_in(http: Http) -> None:
    assert http.login(client_id="demo-native", client_secret=None).status_code == 200


def test_public_client_without_the_grant_is_unauthorized(http: Http, stage: Stage) -> None:
    client_id = make_client(stage, token_endpoint_auth_method="none", grant_types=["refresh_token"])
    response = http.login(client_id=client_id, client_secret=None)

    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


def test_basic_beside_a_body_secret_is_refused(http: Http) -> None:
    response = basic_login(http, basic(BASIC_ID, BASIC_SECRET), client_secret=BASIC_SECRET)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_basic_beside_another_client_id_is_refused(http: Http) -> None:
    response = basic_login(http, basic(BASIC_ID, BASIC_SECRET), client_id="demo-backend")

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_basic_beside_the_same_client_id_is_one_method(http: Http) -> None:
    assert basic_login(http, basic(BASIC_ID, BASIC_SECRET), client_id=BASIC_ID).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    ["Basic", "Basic ", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer abc", "Basic /////w==", "basic", "Digest x=y"],
)
def test_malformed_authorization_is_refused(http: Http, authorization: str) -> None:
    response = basic_login(http, authorization)

    assert (response.status_code, response.json()) == (401, FAILED)


def test_scheme_is_case_insensitive(http: Http) -> None:
    assert basic_login(http, basic(BASIC_ID, BASIC_SECRET).replace("Basic", "bASIC")).status_code == 200


def test_client_without_the_grant_is_refused_before_any_hash(http: Http, hashes: Any) -> None:
    response = http.login(client_id="demo-m2m", client_secret="demo-m2m-secret")

    assert (response.status_code, response.json()) == (
        400,
        {
            "error": "unauthorized_client",
            "error_description": "Grant type 'password' not allowed for the client.",
        },
    )
    assert hashes.count == 0


def test_unsupported_grant_is_told_to_known_clients_only(http: Http) -> None:
    known, stranger = http.login(grant_type="nothing"), http.login(grant_type="nothing", client_secret="wrong")

    assert (known.status_code, known.json()["error"]) == (400, "unsupported_grant_type")
    assert stranger.json() == FAILED


@pytest.fixture
def assertion_client(stage: Stage) -> str:
    """A private_key_jwt client with an RSA and an EC key."""
    keys = [
        RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True),
        ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True),
    ]
    return make_client(stage, token_endpoint_auth_method="private_key_jwt", jwks=keys)


@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}oauth/token", [ISSUER, f"{ISSUER}oauth/token"]])
@pytest.mark.parametrize(("key", "alg"), [(RSA_KEY, "RS256"), (EC_KEY, "ES256")], ids=["RS256", "ES256"])
def test_assertion_is_taken(http: Http, assertion_client: str, key: Any, alg: str, audience: Any) -> None:
    assert assertion_login(http, assertion(assertion_client, key, alg, aud=audience)).status_code == 200


def test_assertion_beside_its_client_id_is_taken(http: Http, assertion_client: str) -> None:
    assert assertion_login(http, assertion(assertion_client), client_id=assertion_client).status_code == 200


def test_assertion_beside_another_client_id_is_refused(http: Http, assertion_client: str) -> None:
    assert assertion_login(http, assertion(assertion_client), client_id="demo-backend").status_code == 400


def test_assertion_is_used_once(http: Http, assertion_client: str) -> None:
    signed = assertion(assertion_client)

    assert assertion_login(http, signed).status_code == 200
    assert assertion_login(http, signed).json() == FAILED


def test_assertion_with_a_used_jti_is_refused(http: Http, assertion_client: str) -> None:
    assert assertion_login(http, assertion(assertion_client, jti="one")).status_code == 200
    assert assertion_login(http, assertion(assertion_client, jti="one")).json() == FAILED


def test_used_jti_is_remembered_to_the_end_of_the_leeway(http: Http, assertion_client: str, clock: Clock) -> None:
    signed = assertion(assertion_client, exp=int(time.time()) + 1)
    assert assertion_login(http, signed).status_code == 200
    clock.advance(11)

    assert assertion_login(http, signed).json() == FAILED


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example/"},
        {"aud": "https://login.example.com"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "+100000"},
        {"exp": "soon"},
        {"iss": "demo-backend"},
        {"iss": None},
        {"sub": "demo-backend"},
        {"jti": None},
        {"jti": 7},
        {"jti": "x" * 257},
        {"nbf": "+1000"},
    ],
    ids=json.dumps,
)
def test_assertion_whose_claims_do_not_hold_is_refused(
    http: Http, assertion_client: str, changes: dict[str, Any]
) -> None:
    response = assertion_login(http, assertion(assertion_client, **changes))

    assert (response.status_code, response.json()) == (401, FAILED)


def test_assertion_without_a_subject_is_refused(http: Http, assertion_client: str) -> None:
    assert assertion_login(http, assertion(assertion_client, sub=None)).json() == FAILED


def test_assertion_of_another_key_is_refused(http: Http, assertion_client: str) -> None:
    assert assertion_login(http, assertion(assertion_client, OTHER_KEY)).json() == FAILED


def test_unsigned_assertion_is_refused(http: Http, assertion_client: str) -> None:
    assert assertion_login(http, assertion(assertion_client, None, "none")).json() == FAILED


def test_assertion_hmaced_with_the_public_key_is_refused(http: Http, assertion_client: str) -> None:
    public = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    # PyJWT refuses to make such a token: an attacker would not ask it.
    claims = assertion(assertion_client).split(".")[1]
    header = urlsafe_b64encode(b'{"alg":"HS256"}').decode().rstrip("=")
    signed = f"{header}.{claims}"
    signature = urlsafe_b64encode(hmac.digest(public, signed.encode(), "sha256")).decode().rstrip("=")

    assert assertion_login(http, f"{signed}.{signature}").json() == FAILED


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS384"])
def test_assertion_of_another_algorithm_is_refused(http: Http, assertion_client: str, alg: str) -> None:
    assert assertion_login(http, assertion(assertion_client, RSA_KEY, alg)).json() == FAILED


def test_assertion_beside_a_secret_is_refused(http: Http, assertion_client: str) -> None:
    response = assertion_login(http, assertion(assertion_client), client_secret="x")

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("kind", ["urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "x"])
def test_unknown_assertion_type_is_refused(http: Http, assertion_client: str, kind: str) -> None:
    response = assertion_login(http, assertion(assertion_client), client_assertion_type=kind)

    assert (response.status_code, response.json()) == (401, FAILED)


def test_missing_assertion_type_is_told(http: Http, assertion_client: str) -> None:
    response = assertion_login(http, assertion(assertion_client), client_assertion_type=None)

    assert response.json()["error_description"] == "Missing required parameter: client_assertion_type"


@pytest.mark.parametrize("signed", ["x", "a.b.c", "e30.e30.", "x" * 5000, ".".join(["W1tb"] * 3)])
def test_assertion_that_cannot_be_read_is_refused(http: Http, signed: str) -> None:
    assert assertion_login(http, signed).json() == FAILED


def test_assertion_for_a_secret_client_is_refused(http: Http) -> None:
    assert assertion_login(http, assertion("demo-backend")).json() == FAILED


def test_old_secret_works_until_its_overlap_ends(http: Http, stage: Stage, clock: Clock) -> None:
    ends = int(clock()) + 100
    client_id = make_client(stage, secret="new", old_secrets={"old": ends})

    assert http.login(client_id=client_id, client_secret="old").status_code == 200
    clock.advance(101)
    assert http.login(client_id=client_id, client_secret="old").json() == FAILED
    assert http.login(client_id=client_id, client_secret="new").status_code == 200


def test_assertion_whose_note_botocore_sends_twice_is_no_replay(
    http: Http, assertion_client: str, stage: Stage
) -> None:
    signed = assertion(assertion_client)
    with sent_twice(stage, "PutItem"):
        assert assertion_login(http, signed).status_code == 200

    assert assertion_login(http, signed).json() == FAILED
