"""Anything at all, sent to the token endpoint: never a crash, always the contract's shape."""

import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.clients import make_client
from tests.support.fixed import ISSUER
from tests.support.http import ALICE, BACKEND, PASSWORD_REALM, REPORTS, TIMESHEETS, Http

TOKEN = "/oauth/token"
FORM = "application/x-www-form-urlencoded"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# What a client can be the cause of. 5xx is the server's fault, and no request may bring one about.
STATUSES = {200, 400, 401, 403, 413, 429}
# RFC 6749 5.2: %x20-21 / %x23-5B / %x5D-7E.
DESCRIBABLE = {*map(chr, range(0x20, 0x7F))} - {'"', "\\"}
KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(autouse=True)
def unthrottled(http: Http) -> None:
    """Send from the one address that the demo does not throttle: what is refused at the door is not tested."""
    http.source_ip = "127.0.0.1"


PARAMETERS = [
    "grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "username", "password",
    "audience", "resource", "scope", "realm", "refresh_token", "mfa_token", "otp", "oob_code", "binding_code",
    "recovery_code", "token",
]  # fmt: skip
# What a known client asks for, and for whom.
ASKED = ["username", "password", "audience", "resource", "scope", "realm"]
# What others have stumbled over, beside what is right, so that some requests get far.
NASTY = [
    "", " ", "\x00", "\r\n", "\t", "\x7f", "\x85", "%", "%00", "%zz", "%2f", "+", "&", "=", ";", "#", "'", '"', "\\",
    "../", "..%2f", "//", "null", "None", "undefined", "true", "NaN", "-1", "0", "1e400", "9" * 400, "{}", "[]",
    "{{7*7}}", "${jndi:ldap://x}", "<script>", "' OR 1=1 --", "$ne", "a" * 1100, "a" * 5000, "é", "e\u0301", "漢", "😀",
    "\u200b", "\u2028", "\u202e", "\ufeff", "\ufffd", "\uffff", "\U0010ffff", "İ", "ß", "\u0345", "client#x", "login#x",
]  # fmt: skip
RIGHT = [
    "password", PASSWORD_REALM, "refresh_token", "client_credentials", *BACKEND.values(), *ALICE.values(),
    "demo-native", "demo-basic", "demo-m2m", "employees", "customers", "partners", TIMESHEETS, REPORTS, "openid",
    "read:timesheets", ASSERTION_TYPE,
]  # fmt: skip
VALUES = st.sampled_from(NASTY + RIGHT) | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
CONTENT_TYPES = st.sampled_from(
    [FORM, f"{FORM}; charset=UTF-8", FORM.upper(), "application/json", "application/json; charset=utf-8", "text/plain",
     "multipart/form-data; boundary=x", "application/octet-stream", "", ";", ",", "application/json, text/plain"]
)  # fmt: skip
# What the HTTP servers in front let through: no control characters but the tab.
HEADER_BYTES = st.lists(st.sampled_from([9, *range(0x20, 0x7F), *range(0x80, 0x100)]), max_size=60).map(bytes)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just("\ud800") | VALUES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(PARAMETERS) | st.text(max_size=5), inner)
    ),
    max_leaves=12,
)

over_http = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def require_contract(response: httpx.Response) -> None:
    """Hold an answer against what the contract says of every response, and of every error."""
    assert response.status_code in STATUSES
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    body = response.json()
    if response.status_code == 200:
        assert body["token_type"] == "Bearer"
    else:
        assert set(body) == {"error", "error_description"}
        assert set(body["error_description"]) <= DESCRIBABLE


def post(http: Http, body: bytes | str, content_type: bytes | str = FORM) -> httpx.Response:
    return http.post(TOKEN, content=body, headers={"Content-Type": content_type})


def login_of(**params: str) -> str:
    """Return a login's form with these parameters in place of its client's."""
    return urlencode({"grant_type": "password", "audience": TIMESHEETS, **ALICE, **params})


@settings(over_http, max_examples=350)
@given(st.binary(max_size=200), CONTENT_TYPES | HEADER_BYTES)
@example(b"\xff" * 17_000, FORM)
@example(b"{" * 16_384, "application/json")
@example(b"\xef\xbb\xbf{}", "application/json")
def test_any_bytes_of_any_type_are_answered_by_the_contract(http: Http, body: bytes, content_type: bytes | str) -> None:
    require_contract(post(http, body, content_type))


@settings(over_http, max_examples=350)
@given(st.text('{}[]":,\\u0dnae19-.%&=+ \n\x00😀', max_size=200), CONTENT_TYPES)
def test_any_text_of_the_formats_own_signs_is_answered_by_the_contract(
    http: Http, body: str, content_type: str
) -> None:
    require_contract(post(http, body, content_type))


@settings(over_http, max_examples=350)
@given(st.dictionaries(st.sampled_from(PARAMETERS), VALUES))
def test_any_parameters_are_answered_by_the_contract(http: Http, params: dict[str, str]) -> None:
    require_contract(post(http, urlencode(params)))


@settings(over_http, max_examples=500)
@given(st.sampled_from(["password", PASSWORD_REALM]), st.dictionaries(st.sampled_from(ASKED), VALUES))
def test_any_login_of_a_known_client_is_answered_by_the_contract(
    http: Http, grant_type: str, asked: dict[str, str]
) -> None:
    require_contract(post(http, login_of(**BACKEND | {"grant_type": grant_type, "realm": "employees"} | asked)))


@settings(over_http, max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(PARAMETERS) | VALUES, VALUES), max_size=8))
def test_any_pairs_are_answered_by_the_contract(http: Http, pairs: list[tuple[str, str]]) -> None:
    require_contract(post(http, urlencode(pairs)))


@settings(over_http, max_examples=250)
@given(JSON, st.booleans())
@example("\ud800", False)
@example({"username": "\ud800"}, True)
@example({"\ud800": 1}, True)
@example({"x": float("nan")}, True)
@example({"x": 10**4000}, True)
def test_any_json_is_answered_by_the_contract(http: Http, value: Any, is_login: bool) -> None:
    login = {"grant_type": "password", **BACKEND, **ALICE} if is_login else {}
    body = login | value if isinstance(value, dict) else value

    require_contract(post(http, json.dumps(body), "application/json"))


@settings(over_http, max_examples=350)
@given(
    HEADER_BYTES
    | st.builds(
        lambda scheme, rest: scheme + b" " + rest, st.sampled_from([b"Basic", b"basic", b"Bearer"]), HEADER_BYTES
    )
)
@example(b"Basic")
@example(b"Basic =")
@example(b"Basic ====")
@example(b"Basic \xe9")
@example(b"Basic " + b"A" * 20_000)
@example(b"DPoP x")
@example(b"AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=x")
def test_any_authorization_is_answered_by_the_contract(http: Http, authorization: bytes) -> None:
    headers = {b"Content-Type": FORM.encode(), b"Authorization": authorization}

    require_contract(http.post(TOKEN, content=login_of(), headers=headers))


@settings(over_http, max_examples=350)
@given(st.binary(max_size=40) | st.builds("{}:{}".format, VALUES, VALUES).map(str.encode), st.booleans())
@example(b"%ff:%ff", False)
@example(b"%00:%00", True)
@example(b":", False)
@example(b"::::", False)
@example("\U0010ffff".encode() * 300 + b":", False)
def test_any_basic_credentials_are_answered_by_the_contract(http: Http, credentials: bytes, is_named: bool) -> None:
    headers = {"Content-Type": FORM, "Authorization": f"Basic {b64encode(credentials).decode()}"}
    body = login_of(client_id="demo-basic") if is_named else login_of()

    require_contract(http.post(TOKEN, content=body, headers=headers))


# Client assertions (RFC 7523).


def segment(value: Any) -> str:
    """Return a part of a JWT; bytes stand as they are."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


SEGMENTS = JSON | st.binary(max_size=30)
HEADERS = SEGMENTS | st.dictionaries(
    st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "jku", "x5u", "enc", "zip"]),
    st.sampled_from(["ES256", "RS256", "none", "HS256", False, "file:///etc/passwd"]) | JSON,
)
NAMES = ["sub", "iss", "aud", "exp", "iat", "nbf", "jti"]
CLAIMS = st.dictionaries(st.sampled_from(NAMES), JSON | st.sampled_from(RIGHT) | st.just("\ud800"))


@settings(over_http, max_examples=250)
@given(HEADERS, SEGMENTS | CLAIMS, st.binary(max_size=70) | st.just(b""))
@example({"alg": "ES256"}, {"sub": "\ud800"}, b"")
@example({"alg": "ES256"}, {"sub": "demo-basic", "iss": ["x"]}, b"x")
@example({"alg": [1]}, {"sub": "demo-backend"}, b"x")
@example({"alg": "ES256", "crit": 1, "b64": False}, {"sub": "demo-backend"}, b"x")
@example({"alg": "ES256", "kid": {}}, {"sub": "demo-backend"}, b"x")
@example({"alg": "ES256"}, b"[" * 3000, b"x")
@example({"alg": "ES256"}, b'{"sub":' + b"1" * 5000 + b"}", b"x")
def test_any_assertion_is_answered_by_the_contract(http: Http, header: Any, claims: Any, signature: bytes) -> None:
    assertion = ".".join(map(segment, (header, claims, signature)))

    require_contract(post(http, login_of(client_assertion=assertion, client_assertion_type=ASSERTION_TYPE)))


@settings(over_http, max_examples=150)
@given(st.text(max_size=60), VALUES | st.just(ASSERTION_TYPE))
@example("..", ASSERTION_TYPE)
@example("e30.e30.", ASSERTION_TYPE)
@example("e30.e30.e30.e30.e30", ASSERTION_TYPE)
@example("e30." * 3000, ASSERTION_TYPE)
@example("é.é.é", ASSERTION_TYPE)
def test_any_text_as_assertion_is_answered_by_the_contract(http: Http, assertion: str, kind: str) -> None:
    text = assertion.encode("utf-8", "replace").decode()

    require_contract(post(http, login_of(client_assertion=text, client_assertion_type=kind)))


@pytest.fixture
def signer(stage: Stage) -> str:
    """A client that signs its assertions with KEY."""
    jwk = ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    return make_client(stage, token_endpoint_auth_method="private_key_jwt", jwks=[jwk])


def test_signer_gets_in_with_claims_in_order(http: Http, signer: str, externals: wiring.Externals) -> None:
    claims = {"sub": signer, "iss": signer, "aud": ISSUER, "exp": externals.clock.now_s() + 60, "jti": "first"}
    assertion = jwt.encode(claims, KEY, "ES256")

    assert post(http, login_of(client_assertion=assertion, client_assertion_type=ASSERTION_TYPE)).status_code == 200


@settings(over_http, max_examples=200)
@given(claims=CLAIMS)
@example({"jti": "\ud800"})
@example({"jti": ["x"]})
@example({"jti": ""})
@example({"jti": "x" * 300})
@example({"exp": float("inf")})
@example({"exp": 10**300})
@example({"exp": -1})
@example({"exp": "9999999999"})
@example({"exp": True})
@example({"iat": "x"})
@example({"nbf": float("nan")})
@example({"aud": [ISSUER, 1]})
@example({"aud": {}})
@example({"iss": ["x"]})
def test_any_claims_that_are_signed_are_answered_by_the_contract(
    http: Http, signer: str, externals: wiring.Externals, claims: dict[str, Any]
) -> None:
    good = {"sub": signer, "iss": signer, "aud": ISSUER, "exp": externals.clock.now_s() + 60, "jti": "a jti"}
    payload = json.dumps(good | claims | {"sub": signer}).encode()
    assertion = jwt.api_jws.encode(payload, KEY, "ES256")

    require_contract(post(http, login_of(client_assertion=assertion, client_assertion_type=ASSERTION_TYPE)))


PLACES = st.lists(st.sampled_from(["employees", "customers", "partners", "-", "0" * 32]) | JSON, max_size=4) | JSON


@settings(over_http, max_examples=200)
@given(st.binary(min_size=32, max_size=32), PLACES)
@example(bytes(32), [[], "x", "y"])
@example(bytes(32), ["employees", "\ud800", "0" * 32])
def test_any_place_in_a_well_formed_refresh_token_is_no_token_anywhere(http: Http, secret: bytes, place: Any) -> None:
    body = secret + json.dumps(place, separators=(",", ":")).encode()
    token = urlsafe_b64encode(body + hashlib.sha256(body).digest()[:4]).rstrip(b"=").decode()

    refresh = http.refresh(token)
    assert (refresh.status_code, refresh.json()["error"]) == (400, "invalid_grant")
    assert http.post("/oauth/revoke", data={**BACKEND, "token": token}).status_code == 200
    assert http.post("/oauth/introspect", data={**BACKEND, "token": token}).json() == {"active": False}


@settings(over_http, max_examples=200)
@given(VALUES | HEADER_BYTES.map(lambda raw: raw.decode("latin-1")))
def test_any_token_at_all_is_answered_by_the_contract_beside_the_token_endpoint(http: Http, token: str) -> None:
    for path in ("/oauth/revoke", "/oauth/introspect"):
        assert http.post(path, data={**BACKEND, "token": token}).status_code in (200, 400)
    as_header = f"Bearer {token}".encode("utf-8", "replace").translate(None, bytes([*range(9), *range(10, 32), 127]))
    assert http.get("/userinfo", headers={"Authorization": as_header}).status_code == 401
    assert http.post("/userinfo", data={"access_token": token}).status_code == 401
