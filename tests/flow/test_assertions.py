"""Client assertions (RFC 7523 3, RFC 7515, RFC 7519): which hold, which do not, and what the log says. Through HTTP."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.client_secrets import ASSERTION_TYPE, EC_KEY, FAILED, OTHER_KEY, RSA_KEY
from tests.support.clients import make_client
from tests.support.fixed import ISSUER, Clock
from tests.support.http import ALICE, BACKEND, Http
from tests.support.stages import client_of

RSA_JWK = RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)
EC_JWK = ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True)
OTHER = "https://other.example/"
TOKEN_ENDPOINT = f"{ISSUER}oauth/token"
PASSWORD = {"grant_type": "password", **ALICE}


def made(stage: Stage, *jwks: dict[str, str], **changes: Any) -> str:
    """Register a private_key_jwt client, with an RSA and an EC key unless others are given."""
    keys = list(jwks) or [RSA_JWK, EC_JWK]
    return make_client(stage, token_endpoint_auth_method="private_key_jwt", jwks=keys, **changes)


def claims_of(client_id: str, clock: Clock, **changes: Any) -> dict[str, Any]:
    """Return the claims of a sound assertion, but for the changes; None leaves one out."""
    now = int(clock())
    sound = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "iat": now,
        "exp": now + 60,
        "jti": f"{client_id} {now}",
    }
    return {name: value for name, value in (sound | changes).items() if value is not None}


def encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")


def signed(header: dict[str, Any], payload: str) -> str:
    """Sign any bytes with RS256, as PyJWT would not."""
    start = f"{encoded(json.dumps(header).encode())}.{encoded(payload.encode())}"
    return f"{start}.{encoded(RSA_KEY.sign(start.encode(), padding.PKCS1v15(), SHA256()))}"


def send(http: Http, assertion: str, path: str = "/oauth/token", **params: str) -> Any:
    proof = {"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
    return http.post(path, data={**PASSWORD, "token": "x", **proof, **params})


def require_refusal(http: Http, assertion: str, reason: str, path: str = "/oauth/token") -> None:
    """Hold that an assertion is refused, and that the log names the check."""
    response = send(http, assertion, path)
    assert (response.status_code, response.json()) == (401, FAILED)
    assert reason in http.log[-1]["reason"]
    assert assertion not in json.dumps(http.log)


@pytest.fixture
def client_id(stage: Stage) -> str:
    return made(stage)


# Algorithms.


@pytest.mark.parametrize(("key", "alg"), [(RSA_KEY, "RS256"), (RSA_KEY, "PS256"), (EC_KEY, "ES256")])
def test_each_algorithm_of_a_key_is_taken(http: Http, client_id: str, clock: Clock, key: Any, alg: str) -> None:
    assert send(http, jwt.encode(claims_of(client_id, clock), key, alg)).status_code == 200


@pytest.mark.parametrize(("bound", "other"), [("RS256", "PS256"), ("PS256", "RS256")])
def test_alg_of_a_key_binds_it(http: Http, stage: Stage, clock: Clock, bound: str, other: str) -> None:
    client_id = made(stage, RSA_JWK | {"alg": bound})

    assert send(http, jwt.encode(claims_of(client_id, clock), RSA_KEY, bound)).status_code == 200
    require_refusal(http, jwt.encode(claims_of(client_id, clock, jti="2"), RSA_KEY, other), "alg fits no key")


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS384", "none", "HS256"])
def test_other_algorithms_fit_no_key(http: Http, client_id: str, clock: Clock, alg: str) -> None:
    claims = json.dumps(claims_of(client_id, clock))

    require_refusal(http, signed({"alg": alg}, claims), "alg fits no key")


@pytest.mark.parametrize("alg", [None, 7, ["RS256"], {"a": 1}])
def test_alg_that_is_no_name_is_refused(http: Http, client_id: str, clock: Clock, alg: Any) -> None:
    response = send(http, signed({"alg": alg}, json.dumps(claims_of(client_id, clock))))

    assert (response.status_code, response.json()) == (401, FAILED)


def test_metadata_lists_the_algorithms(http: Http) -> None:
    metadata = http.get("/.well-known/openid-configuration").json()

    for endpoint in ("token", "revocation", "introspection"):
        listed = metadata[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert listed == ["RS256", "ES256", "PS256"]


def test_unknown_critical_extension_is_refused(http: Http, client_id: str, clock: Clock) -> None:
    payload = json.dumps(claims_of(client_id, clock))

    require_refusal(http, signed({"alg": "RS256", "crit": ["x"], "x": 1}, payload), "cannot be read")


# The form.


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("change", ["{}=", "{}==", "{}\n", "{} ", " {}", "{}!", "{}*", "{}A===="])
def test_part_that_is_no_base64url_without_padding_is_refused(
    http: Http, client_id: str, clock: Clock, part: int, change: str
) -> None:
    parts = jwt.encode(claims_of(client_id, clock), EC_KEY, "ES256").split(".")
    parts[part] = change.format(parts[part])

    require_refusal(http, ".".join(parts), "is no JWT")


def test_signature_has_one_spelling(http: Http, client_id: str, clock: Clock) -> None:
    assertion = jwt.encode(claims_of(client_id, clock), EC_KEY, "ES256")
    # 64 bytes leave four bits of the last character unused.
    other = assertion[:-1] + chr(ord(assertion[-1]) + 1)
    signature = other.rpartition(".")[2] + "=="
    assert urlsafe_b64decode(signature) == urlsafe_b64decode(assertion.rpartition(".")[2] + "==")

    require_refusal(http, other, "is no JWT")


@pytest.mark.parametrize("assertion", ["x", "a.b", "a.b.c.d", "..", "a.b.c.d.e"])
def test_text_that_is_no_jwt_is_refused(http: Http, assertion: str) -> None:
    require_refusal(http, assertion, "client_assertion")


# The claims.


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "demo-backend"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": None}, "aud"),
        ({"aud": OTHER}, "aud"),
        ({"aud": [ISSUER, OTHER]}, "aud"),
        ({"aud": [OTHER, TOKEN_ENDPOINT]}, "aud"),
        ({"aud": [ISSUER, 7]}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": {ISSUER: 1}}, "aud"),
        ({"aud": ISSUER[:-1]}, "aud"),
        ({"aud": f"{ISSUER}oauth/revoke"}, "aud"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": "x" * 257}, "jti"),
        ({"exp": None}, "exp"),
    ],
    ids=str,
)
def test_claim_that_does_not_hold_is_named_in_the_log(
    http: Http, client_id: str, clock: Clock, changes: dict[str, Any], reason: str
) -> None:
    require_refusal(http, jwt.encode(claims_of(client_id, clock, **changes), RSA_KEY, "RS256"), reason)


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ['"{}"', "true", "false", "null", "[{}]", "NaN", "Infinity", "-Infinity"])
def test_time_that_is_no_number_is_refused(http: Http, client_id: str, clock: Clock, name: str, value: str) -> None:
    claims = {key: one for key, one in claims_of(client_id, clock).items() if key != name}
    payload = json.dumps(claims)[:-1] + f', "{name}": {value.format(int(clock()) + 5)}' + "}"

    require_refusal(http, signed({"alg": "RS256"}, payload), f"{name} is no number")


def test_fractions_of_a_second_are_taken(http: Http, client_id: str, clock: Clock) -> None:
    claims = claims_of(client_id, clock, exp=clock() + 60.5, iat=clock() - 0.5, nbf=clock() - 0.5)

    assert send(http, jwt.encode(claims, RSA_KEY, "RS256")).status_code == 200


@pytest.mark.parametrize("iat", [-1000, 5, 1000])
def test_iat_is_not_judged(http: Http, client_id: str, clock: Clock, iat: int) -> None:
    claims = claims_of(client_id, clock, iat=int(clock()) + iat)

    assert send(http, jwt.encode(claims, RSA_KEY, "RS256")).status_code == 200


@pytest.mark.parametrize(("nbf", "is_taken"), [(-1000, True), (10, True), (11, False), (1000, False)])
def test_nbf_has_ten_seconds_of_leeway(http: Http, client_id: str, clock: Clock, nbf: int, is_taken: bool) -> None:
    clock.now = int(clock.now)
    assertion = jwt.encode(claims_of(client_id, clock, nbf=int(clock()) + nbf), RSA_KEY, "RS256")

    if is_taken:
        assert send(http, assertion).status_code == 200
    else:
        require_refusal(http, assertion, "nbf lies ahead")


@pytest.mark.parametrize(
    ("exp", "reason"), [(-10, "exp is over"), (-9, ""), (310, ""), (311, "exp is too far ahead")], ids=str
)
def test_exp_has_ten_seconds_of_leeway_and_five_minutes(
    http: Http, client_id: str, clock: Clock, exp: int, reason: str
) -> None:
    clock.now = int(clock.now)
    assertion = jwt.encode(claims_of(client_id, clock, exp=int(clock()) + exp), RSA_KEY, "RS256")

    if reason:
        require_refusal(http, assertion, reason)
    else:
        assert send(http, assertion).status_code == 200


@pytest.mark.parametrize("offset_s", [-1_000_000, 1_000_000])
def test_times_go_by_the_clock_of_the_server(http: Http, client_id: str, clock: Clock, offset_s: int) -> None:
    clock.advance(offset_s)

    assert send(http, jwt.encode(claims_of(client_id, clock), RSA_KEY, "RS256")).status_code == 200


def test_huge_times_are_refused(http: Http, client_id: str, clock: Clock) -> None:
    require_refusal(
        http, jwt.encode(claims_of(client_id, clock, exp=10**400), RSA_KEY, "RS256"), "exp is too far ahead"
    )


def test_key_that_is_not_the_clients_is_named(http: Http, client_id: str, clock: Clock) -> None:
    require_refusal(
        http, jwt.encode(claims_of(client_id, clock), OTHER_KEY, "RS256"), "no key of the client has signed"
    )


def test_replay_is_named(http: Http, client_id: str, clock: Clock) -> None:
    assertion = jwt.encode(claims_of(client_id, clock), RSA_KEY, "RS256")
    assert send(http, assertion).status_code == 200

    require_refusal(http, assertion, "jti was used before")


def test_assertion_that_does_not_hold_uses_no_jti_up(http: Http, client_id: str, clock: Clock) -> None:
    require_refusal(http, jwt.encode(claims_of(client_id, clock, aud=OTHER), RSA_KEY, "RS256"), "aud")

    assert send(http, jwt.encode(claims_of(client_id, clock), RSA_KEY, "RS256")).status_code == 200


# Whom it is for.


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
@pytest.mark.parametrize("audience", [ISSUER, TOKEN_ENDPOINT, "called", [ISSUER, TOKEN_ENDPOINT, "called"]], ids=str)
def test_url_that_is_called_is_a_right_audience(
    http: Http, client_id: str, clock: Clock, path: str, audience: Any
) -> None:
    called = ISSUER[:-1] + path
    aud = [called if one == "called" else one for one in ([audience] if isinstance(audience, str) else audience)]

    assert send(http, jwt.encode(claims_of(client_id, clock, aud=aud), RSA_KEY, "RS256"), path).status_code == 200


def test_url_of_the_mfa_challenge_is_one_too(http: Http, client_id: str, clock: Clock) -> None:
    response = send(
        http,
        jwt.encode(claims_of(client_id, clock, aud=f"{ISSUER}mfa/challenge"), RSA_KEY, "RS256"),
        "/mfa/challenge",
        mfa_token="x",
    )

    # Past client authentication: the mfa_token is what fails.
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


def test_url_of_another_endpoint_is_no_audience(http: Http, client_id: str, clock: Clock) -> None:
    assertion = jwt.encode(claims_of(client_id, clock, aud=f"{ISSUER}oauth/introspect"), RSA_KEY, "RS256")

    require_refusal(http, assertion, "aud", "/oauth/revoke")


@pytest.mark.parametrize(
    ("audience", "is_taken"),
    [(ISSUER, True), ([ISSUER], True), (TOKEN_ENDPOINT, False), ([ISSUER, TOKEN_ENDPOINT], False)],
    ids=str,
)
def test_strict_client_names_the_issuer_alone(
    http: Http, stage: Stage, clock: Clock, audience: Any, is_taken: bool
) -> None:
    client_id = made(stage, strict_audience=True)
    assertion = jwt.encode(claims_of(client_id, clock, aud=audience), RSA_KEY, "RS256")

    if is_taken:
        assert send(http, assertion).status_code == 200
    else:
        require_refusal(http, assertion, "aud")


def test_strict_client_may_not_name_the_url_that_is_called(http: Http, stage: Stage, clock: Clock) -> None:
    client_id = made(stage, strict_audience=True)

    require_refusal(
        http,
        jwt.encode(claims_of(client_id, clock, aud=f"{ISSUER}oauth/revoke"), RSA_KEY, "RS256"),
        "aud",
        "/oauth/revoke",
    )


def test_audience_goes_by_the_issuer_and_not_by_the_host(
    http: Http, stage: Stage, externals: wiring.Externals, client_id: str, clock: Clock
) -> None:
    with client_of(stage, externals, "https://else.example/") as other:
        require_refusal(other, jwt.encode(claims_of(client_id, clock), RSA_KEY, "RS256"), "aud")


# Access tokens are JWTs as well.


@pytest.mark.parametrize("change", ["{}=", "{}==", "{}\n", "{}!"])
def test_padded_access_token_is_refused(http: Http, change: str) -> None:
    token = change.format(http.login(scope="openid").json()["access_token"])

    assert http.post("/userinfo", data={"access_token": token}).status_code == 401
    assert http.post("/oauth/introspect", data={**BACKEND, "token": token}).json() == {"active": False}
