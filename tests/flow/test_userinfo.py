"""/userinfo (OpenID Connect Core 5.3, RFC 6750), and that nothing but a live access token of ours opens it.

What it refuses, /oauth/introspect calls inactive.
"""

import hmac
import json
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from chalicelib import wiring
from chalicelib.model.user import User
from infra.stage.aws import Stage
from tests.support.access_tokens import (
    OTHER_RSA_KEY,
    access_token,
    assert_invalid,
    assert_refused_everywhere,
    from_base64url,
    genuine_parts,
    rs256,
    signed_by_us,
    to_base64url,
    userinfo,
    verify_token,
)
from tests.support.calls import calls_of
from tests.support.client_secrets import assertion
from tests.support.clients import make_api, make_client
from tests.support.fixed import ISSUER, Clock
from tests.support.http import REPORTS, TIMESHEETS, Http
from tests.support.people import PeopleMaker
from tests.support.stages import client_of

BARE_CHALLENGE = 'Bearer realm="gatehouse"'
OTHER_ISSUER = "https://other.example.com/"
OTHER_EC_KEY = ec.generate_private_key(ec.SECP256R1())
PROFILE = "openid profile email phone read:timesheets"

Change = Callable[[User], None]


def change_of(stage: Stage, user: User, **values: str) -> None:
    """Change attributes of a person where they are kept."""
    stage.clients.dynamodb.update_item(
        TableName=f"{stage.prefix}users-{user.user_id.partition('|')[0]}",
        Key={"pk": {"S": f"user#{user.user_id}"}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
        ExpressionAttributeNames={f"#{name}": name for name in values},
        ExpressionAttributeValues={f":{name}": {"S": value} for name, value in values.items()},
    )


# What it shows.


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("audience", [TIMESHEETS, REPORTS, None])
def test_token_with_openid_shows_who_it_is_of(
    http: Http, people: PeopleMaker, method: str, audience: str | None
) -> None:
    user = people.make(name="Ana")
    response = userinfo(http, access_token(http, username=user.username, audience=audience, scope="openid"), method)

    assert (response.status_code, response.json()) == (200, {"sub": user.user_id})
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"


def test_auth0_dialect_is_taken_too(http: Http, stage: Stage) -> None:
    token = access_token(http, audience=make_api(stage, token_dialect="access_token"))

    assert userinfo(http, token).status_code == 200


def test_public_clients_token_is_taken(http: Http) -> None:
    assert userinfo(http, access_token(http, client_id="demo-native", client_secret=None)).status_code == 200


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json"])
def test_token_in_the_body_is_taken(http: Http, content_type: str) -> None:
    token = access_token(http, scope="openid")
    form = {"access_token": token}
    body = json.dumps(form) if content_type.endswith("json") else f"access_token={token}"
    response = http.post("/userinfo", content=body, headers={"Content-Type": content_type})

    assert response.status_code == 200
    assert set(response.json()) == {"sub"}


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_scheme_is_case_insensitive(http: Http, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {access_token(http)}"}

    assert http.get("/userinfo", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("openid", set()),
        ("openid profile", {"name", "given_name", "nickname", "preferred_username", "updated_at"}),
        ("openid email", {"email", "email_verified"}),
        ("openid phone", {"phone_number", "phone_number_verified"}),
        ("openid address", set()),
        ("openid email phone", {"email", "email_verified", "phone_number", "phone_number_verified"}),
    ],
)
def test_each_scope_shows_its_own_claims(http: Http, people: PeopleMaker, scope: str, names: set[str]) -> None:
    user = people.make(name="Ana Lovelace", given_name="Ana", nickname="ana", phone_number="+442079460000")
    shown = userinfo(http, access_token(http, username=user.username, scope=scope)).json()

    known = asdict(user) | {"preferred_username": user.username, "phone_number_verified": user.phone_verified}
    assert shown == {"sub": user.user_id} | {name: known[name] for name in names}


def test_userinfo_shows_what_the_id_token_showed(http: Http, people: PeopleMaker) -> None:
    user = people.make(name="Ana", phone_number="+442079460000", email_verified=True)
    body = http.login(username=user.username, scope=PROFILE).json()
    shown = userinfo(http, body["access_token"]).json()

    claims = verify_token(http, body["id_token"], "demo-backend")
    # OpenID Connect Core 5.3.2: sub is always there, and the ID token's.
    assert shown == {name: claims[name] for name in shown}
    assert set(claims) - set(shown) == {"iss", "aud", "iat", "exp", "auth_time", "amr"}


def test_change_of_the_person_shows_at_once(http: Http, stage: Stage, people: PeopleMaker) -> None:
    user = people.make(name="Before")
    token = access_token(http, username=user.username, scope="openid profile email")
    before = userinfo(http, token).json()
    change_of(stage, user, name="After", email="after@example.com")
    after = userinfo(http, token).json()

    assert (before["name"], before["email"]) == ("Before", user.email)
    assert after == before | {"name": "After", "email": "after@example.com"}


def test_new_password_shows_in_updated_at(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    people.of("employees").set_password(user, "another good password")
    token = access_token(http, username=user.username, password="another good password")
    shown = userinfo(http, token)

    assert shown.status_code == 200
    assert user.updated_at <= shown.json()["updated_at"] <= time.time()


def test_namesakes_of_two_realms_are_shown_apart(http: Http) -> None:
    email = {"username": "alice@example.com", "scope": "openid profile"}
    employee = userinfo(http, http.realm_login("employees", **email).json()["access_token"]).json()
    token = http.realm_login("customers", password="a different directory", **email).json()["access_token"]

    assert employee["name"] == "Alice Liddell"
    assert userinfo(http, token).json()["name"] == "Alice Customer"


def test_imported_person_is_shown_by_the_user_id_that_they_kept(http: Http, people: PeopleMaker) -> None:
    # docs/use/http.md "Tokens": new users get REALM|24 hex, imported ones keep theirs.
    made, employees = people.make(), people.of("employees")
    employees.records.delete(made)
    kept = User(**asdict(made) | {"user_id": f"auth0|{made.user_id.partition('|')[2]}"})
    employees.records.create(kept)
    shown = userinfo(http, access_token(http, username=kept.username, scope="openid"))

    assert (shown.status_code, shown.json()) == (200, {"sub": kept.user_id})


def test_userinfo_makes_one_call(http: Http, stage: Stage) -> None:
    token = access_token(http)
    userinfo(http, token)
    with calls_of(stage) as calls:
        assert userinfo(http, token).status_code == 200

    assert calls.made == ["BatchGetItem"]
    (asked,) = dict(calls.parameters)["BatchGetItem"]["RequestItems"].values()
    assert asked["ConsistentRead"] is True


def test_token_that_does_not_hold_costs_no_call(http: Http, stage: Stage) -> None:
    token = access_token(http)
    userinfo(http, token)
    with calls_of(stage) as calls:
        assert userinfo(http, token[:-8] + "AAAAAAAA").status_code == 401

    assert calls.made == []


# How it is asked.


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer ", "Basic " + b64encode(b"a:b").decode(), "x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_token_is_answered_with_a_bare_challenge(http: Http, method: str, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    response = http.request(method, "/userinfo", headers=headers)

    assert response.status_code == 401
    # RFC 6750 3.1: without any authentication information, the challenge holds no error code.
    assert response.headers["WWW-Authenticate"] == BARE_CHALLENGE
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("form", ["access_token=", "other=1"])
def test_form_without_a_token_is_answered_with_a_bare_challenge(http: Http, form: str) -> None:
    response = http.post("/userinfo", content=form, headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, BARE_CHALLENGE)


NO_OBJECTS = (b"[]", b"1", b"null", b'"kid"', b"{", b"\xff", b"[" * 3000, b'{"kid": ["a"]}', b'{"kid": {}}')


@pytest.mark.parametrize(
    "token",
    [
        *(
            "x",
            "a.b.c",
            "..",
            "e30.e30.",
            "e30.e30.e30",
            "x" * 9000,
            ".".join(["W1tb"] * 3),
            "a b",
            "é.é.é",
            "a.b.c.d.e",
        ),
        *(f"{urlsafe_b64encode(header).decode().rstrip('=')}.e30.e30" for header in NO_OBJECTS),
    ],
)
def test_bad_token_is_answered_with_invalid_token(http: Http, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}

    assert_invalid(http.get("/userinfo", headers=headers))
    assert_invalid(http.post("/userinfo", data={"access_token": token}))


@pytest.mark.parametrize("scope", [None, "read:timesheets", "profile email", "offline_access read:timesheets"])
def test_token_without_openid_is_answered_with_insufficient_scope(http: Http, scope: str | None) -> None:
    response = userinfo(http, access_token(http, scope=scope))

    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")
    assert response.headers["WWW-Authenticate"] == (
        'Bearer realm="gatehouse", error="insufficient_scope", scope="openid"'
    )


def test_token_for_userinfo_alone_needs_openid_too(http: Http) -> None:
    assert userinfo(http, access_token(http, audience=None, scope=None)).status_code == 403


def test_token_sent_two_ways_at_once_is_refused(http: Http) -> None:
    token = access_token(http)
    headers = {"Authorization": f"Bearer {token}"}
    response = http.post("/userinfo", data={"access_token": token}, headers=headers)

    # RFC 6750 2: clients must not use more than one method; 3.1: then it is invalid_request, 400.
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_token_in_the_query_is_refused(http: Http, method: str) -> None:
    token = access_token(http)
    response = http.request(method, "/userinfo", params={"access_token": token})

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert token not in json.dumps(http.log)


def test_token_given_twice_in_the_form_is_refused(http: Http) -> None:
    token = access_token(http)
    form = f"access_token={token}&access_token={token}"
    response = http.post("/userinfo", content=form, headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_taken(http: Http, method: str) -> None:
    response = userinfo(http, access_token(http), method)

    assert (response.status_code, response.headers["Allow"]) == (405, "GET, POST, HEAD")


# Who is gone.


@pytest.fixture(params=["block", "delete"])
def end(request: pytest.FixtureRequest, people: PeopleMaker) -> Change:
    """Do to a user what an operator does."""
    employees = people.of("employees")
    changes: dict[str, Change] = {"block": lambda user: employees.set_blocked(user, True), "delete": employees.delete}
    return changes[request.param]


def test_person_who_is_blocked_or_deleted_is_refused_at_once(http: Http, people: PeopleMaker, end: Change) -> None:
    user = people.make()
    token = access_token(http, username=user.username)
    assert userinfo(http, token).status_code == 200
    end(user)

    assert_invalid(userinfo(http, token))


def test_person_made_anew_under_the_name_is_another(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    token = access_token(http, username=user.username)
    people.of("employees").delete(user)
    people.make(username=user.username, email=user.email)

    assert_invalid(userinfo(http, token))


# Other kinds of token.


def test_id_token_is_refused(http: Http) -> None:
    assert_refused_everywhere(http, http.login(scope="openid profile").json()["id_token"])


def test_refresh_token_is_no_access_token(http: Http) -> None:
    body = http.login(scope="openid offline_access").json()

    assert_invalid(userinfo(http, body["refresh_token"]))


def test_client_assertion_is_refused(http: Http, stage: Stage) -> None:
    keys = [RSAAlgorithm.to_jwk(OTHER_RSA_KEY.public_key(), as_dict=True)]
    client_id = make_client(stage, token_endpoint_auth_method="private_key_jwt", jwks=keys)

    assert_refused_everywhere(http, assertion(client_id, OTHER_RSA_KEY))


def test_clients_own_token_is_refused(http: Http) -> None:
    m2m = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret"}
    token = http.token({"grant_type": "client_credentials", "audience": TIMESHEETS, **m2m}).json()["access_token"]
    response = userinfo(http, token)

    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")


def test_clients_own_token_is_nobodys_even_with_openid(http: Http, stage: Stage) -> None:
    client_id = make_client(stage, secret="m2m", client_grants={TIMESHEETS: ["openid", "read:timesheets"]})
    credentials = {"client_id": client_id, "client_secret": "m2m"}
    body = http.token({"grant_type": "client_credentials", "audience": TIMESHEETS, **credentials}).json()

    assert "id_token" not in body
    assert_invalid(userinfo(http, body["access_token"]))


# Forgeries.


@pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "claims", "signature"])
def test_flipped_byte_is_refused(http: Http, part: int) -> None:
    parts = access_token(http).split(".")
    raw = from_base64url(parts[part])
    positions = {*range(0, len(raw), 11), len(raw) - 1}
    for position in sorted(positions):
        flipped = bytearray(raw)
        flipped[position] ^= 1 << position % 8
        forged = ".".join([*parts[:part], to_base64url(bytes(flipped)), *parts[part + 1 :]])
        assert_refused_everywhere(http, forged)


@pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "claims", "signature"])
def test_part_that_was_cut_off_or_left_out_is_refused(http: Http, part: int) -> None:
    parts = access_token(http).split(".")

    for changed in ("", parts[part][:-4], parts[part][4:], parts[part] + "AAAA"):
        assert_refused_everywhere(http, ".".join([*parts[:part], changed, *parts[part + 1 :]]))
    assert_refused_everywhere(http, ".".join(parts[:part] + parts[part + 1 :]))


def test_parts_of_two_tokens_make_no_third(http: Http) -> None:
    one, other = access_token(http).split("."), access_token(http, scope="openid email").split(".")

    assert_refused_everywhere(http, ".".join([one[0], one[1], other[2]]))
    assert_refused_everywhere(http, ".".join([one[0], other[1], one[2]]))


def hs256(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    signed = f"{to_base64url(header)}.{to_base64url(claims)}"
    return f"{signed}.{to_base64url(hmac.digest(secret, signed.encode(), 'sha256'))}"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", None])
@pytest.mark.parametrize("keeps_kid", [True, False])
def test_unsigned_token_is_refused(http: Http, alg: str | None, keeps_kid: bool) -> None:
    header, claims = genuine_parts(http)
    forged = header | {"alg": alg} if keeps_kid else {"alg": alg, "typ": header["typ"]}

    assert_refused_everywhere(http, f"{to_base64url(forged)}.{to_base64url(claims)}.")


def test_signed_token_with_an_unknown_critical_extension_is_refused(http: Http, stage: Stage) -> None:
    _, claims = genuine_parts(http)

    assert_refused_everywhere(http, signed_by_us(stage, claims, crit=["x"], x=1))


def test_unsigned_token_that_keeps_its_signature_is_refused(http: Http) -> None:
    token = access_token(http)
    header = json.loads(from_base64url(token.split(".")[0])) | {"alg": "none"}

    assert_refused_everywhere(http, ".".join([to_base64url(header), *token.split(".")[1:]]))


def test_token_hmaced_with_the_public_key_is_refused(http: Http) -> None:
    header, claims = genuine_parts(http)
    jwk = next(key for key in http.get("/.well-known/jwks.json").json()["keys"] if key["kid"] == header["kid"])
    public = RSAAlgorithm.from_jwk(jwk)
    assert isinstance(public, rsa.RSAPublicKey)
    secrets = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
        public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(jwk).encode(),
        from_base64url(jwk["n"]),
        b"",
    ]
    for secret in secrets:
        assert_refused_everywhere(http, hs256(header | {"alg": "HS256"}, claims, secret))
        assert_refused_everywhere(http, hs256(header, claims, secret))


@pytest.mark.parametrize("keeps_kid", [True, False])
@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
def test_key_that_the_token_brings_itself_is_refused(http: Http, name: str, keeps_kid: bool) -> None:
    header, claims = genuine_parts(http)
    brought = {
        "jwk": RSAAlgorithm.to_jwk(OTHER_RSA_KEY.public_key(), as_dict=True),
        "jku": "https://evil.example/jwks.json",
        "x5u": "https://evil.example/cert.pem",
        "x5c": [b64encode(b"a certificate").decode()],
    }
    forged = header | {name: brought[name]} | ({} if keeps_kid else {"kid": "mine"})

    assert_refused_everywhere(http, rs256(forged, claims))


@pytest.mark.parametrize("kid", [None, "", "unknown", "../../dev/null", "' OR 1=1", 7, ["a"], {"a": "b"}])
def test_token_of_an_unknown_key_is_refused(http: Http, kid: Any) -> None:
    header, claims = genuine_parts(http)
    forged = {name: value for name, value in (header | {"kid": kid}).items() if value is not None}

    assert_refused_everywhere(http, rs256(forged, claims))


def test_token_signed_by_a_strangers_key_under_our_kid_is_refused(http: Http) -> None:
    assert_refused_everywhere(http, rs256(*genuine_parts(http)))


def test_es256_token_of_a_strangers_key_under_our_kid_is_refused(http: Http) -> None:
    _, claims = genuine_parts(http)
    keys = http.get("/.well-known/jwks.json").json()["keys"]
    for kid in (key["kid"] for key in keys):
        headers = {"typ": "at+jwt", "kid": kid}
        assert_refused_everywhere(http, jwt.encode(claims, OTHER_EC_KEY, "ES256", headers=headers))


@pytest.mark.parametrize("header", [b"[]", b"null", b'"x"', b"7", b"\xff", b'{"alg":["RS256"]}', b"{" * 2000])
def test_header_that_is_none_is_refused(http: Http, header: bytes) -> None:
    assert_refused_everywhere(http, f"{to_base64url(header)}.{access_token(http).partition('.')[2]}")


# Signed with our own key, and yet no live access token of this issuer.


def test_token_signed_like_ours_is_taken(http: Http, stage: Stage) -> None:
    _, claims = genuine_parts(http)

    assert userinfo(http, signed_by_us(stage, claims)).status_code == 200


@pytest.mark.parametrize("typ", ["JWT", "jwt", "AT+JWT ", "application/jwt", "logout+jwt", "", None])
def test_wrong_typ_is_refused(http: Http, stage: Stage, typ: str | None) -> None:
    _, claims = genuine_parts(http)

    assert_refused_everywhere(http, signed_by_us(stage, claims, typ=typ))


def test_typ_of_the_other_dialect_is_refused(http: Http, stage: Stage) -> None:
    token = access_token(http, audience=make_api(stage, token_dialect="access_token"))
    claims = json.loads(from_base64url(token.split(".")[1]))

    assert userinfo(http, token).status_code == 200
    assert_refused_everywhere(http, signed_by_us(stage, claims, typ="at+jwt"))


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "gty"])
def test_token_without_what_makes_one_is_refused(http: Http, stage: Stage, name: str) -> None:
    _, claims = genuine_parts(http)
    del claims[name]

    assert_refused_everywhere(http, signed_by_us(stage, claims))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://login.example.com"},
        {"iss": OTHER_ISSUER},
        {"iss": None},
        {"exp": 1},
        {"exp": "never"},
        {"exp": "32503680000"},
        {"exp": True},
        {"exp": None},
        {"nbf": 32_503_680_000},
        {"nbf": "1"},
        {"nbf": True},
        {"sub": 7},
        {"aud": None},
        {"aud": 7},
        {"scope": None},
        {"client_id": None},
    ],
    ids=json.dumps,
)
def test_claims_that_do_not_hold_are_refused(http: Http, stage: Stage, changes: dict[str, Any]) -> None:
    _, claims = genuine_parts(http)

    assert_refused_everywhere(http, signed_by_us(stage, claims | changes))


@pytest.mark.parametrize("audience", [TIMESHEETS, [TIMESHEETS], [TIMESHEETS, f"{OTHER_ISSUER}userinfo"], "x"])
def test_token_that_is_not_for_userinfo_is_refused_whatever_its_scope(
    http: Http, stage: Stage, audience: str | list[str]
) -> None:
    _, claims = genuine_parts(http)
    response = userinfo(http, signed_by_us(stage, claims | {"aud": audience}))

    assert response.status_code in (401, 403)
    assert "sub" not in response.json()


def test_expired_token_is_refused(http: Http, stage: Stage, clock: Clock) -> None:
    token = access_token(http, audience=make_api(stage, token_lifetime=60))
    ends_at = int(clock()) + 60
    clock.now = ends_at - 1
    assert userinfo(http, token).status_code == 200
    clock.now = ends_at

    assert_refused_everywhere(http, token)


def test_token_of_another_issuer_is_refused(http: Http, stage: Stage, externals: wiring.Externals) -> None:
    with client_of(stage, externals, OTHER_ISSUER) as other:
        foreign = access_token(other)
        assert userinfo(other, foreign).status_code == 200

    # The keys are the same: the issuer alone tells them apart.
    assert_refused_everywhere(http, foreign)
    assert jwt.decode(foreign, options={"verify_signature": False})["iss"] == OTHER_ISSUER != ISSUER
