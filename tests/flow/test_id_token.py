"""ID tokens (OpenID Connect Core 2, 5.4, 12.2), through HTTP."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import jwt
import pytest

from infra.stage.aws import Stage
from tests.support.access_tokens import verify_token
from tests.support.calls import rounds_of
from tests.support.client_secrets import ASSERTION_TYPE
from tests.support.clients import make_api
from tests.support.faults import aws_error, before, failing
from tests.support.fixed import ISSUER, Clock
from tests.support.http import BACKEND, REPORTS, TIMESHEETS, Http
from tests.support.limits import WAIT_S
from tests.support.people import PeopleMaker
from tests.support.tokens import body_of

ID_TOKEN_LIFETIME_S = 36_000
OFFLINE = "openid profile offline_access read:timesheets"
KNOWN: dict[str, Any] = {
    "name": "Ana Lovelace",
    "given_name": "Ana",
    "family_name": "Lovelace",
    "nickname": "ana",
    "picture": "https://example.com/ana.png",
    "email_verified": True,
    "phone_number": "+442079460000",
    "phone_verified": True,
}
ALWAYS = {"iss", "sub", "aud", "iat", "exp", "auth_time", "amr"}


def id_token_claims(http: Http, audience: str = "demo-backend", **params: str | None) -> dict[str, Any]:
    """Log in, and return the claims of the ID token, which the published keys verify. audience: the client's."""
    return verify_token(http, http.login(**params).json()["id_token"], audience)


def refresh(http: Http, refresh_token: str, **params: str) -> dict[str, Any]:
    """Refresh through demo-backend, and return the answer's body."""
    return body_of(http.refresh(refresh_token, **params))


def rename(stage: Stage, user_id: str, name: str) -> None:
    """Change a person's name where it is kept."""
    stage.clients.dynamodb.update_item(
        TableName=f"{stage.prefix}users-employees",
        Key={"pk": {"S": f"user#{user_id}"}},
        UpdateExpression="SET #name = :name",
        ExpressionAttributeNames={"#name": "name"},
        ExpressionAttributeValues={":name": {"S": name}},
    )


@contextmanager
def together(stage: Stage, *operations: str) -> Iterator[None]:
    """Hold these calls back until all of them are under way; where one waits for another's answer, they all fail.

    operations: each may be followed by a blank and a text in the body of the call that is meant.
    """
    gate = threading.Barrier(len(operations))

    def wait() -> None:
        gate.wait(WAIT_S)

    with ExitStack() as gates:
        for operation in dict.fromkeys(operations):
            name, _, about = operation.partition(" ")
            gates.enter_context(before(stage, name, wait, range(operations.count(operation)), about))
        yield


@pytest.mark.parametrize("scope", [None, "read:timesheets", "profile email", "offline_access"])
def test_login_without_openid_yields_no_id_token(http: Http, scope: str | None) -> None:
    assert "id_token" not in http.login(scope=scope).json()


@pytest.mark.parametrize("audience", [TIMESHEETS, REPORTS, None])
@pytest.mark.parametrize("scope", ["openid", "openid profile", "profile openid email"])
def test_openid_yields_an_id_token_for_the_client(http: Http, audience: str | None, scope: str) -> None:
    response = http.login(audience=audience, scope=scope)

    assert response.status_code == 200
    assert verify_token(http, response.json()["id_token"], "demo-backend")["aud"] == "demo-backend"


def test_public_client_is_its_id_tokens_audience(http: Http) -> None:
    claims = id_token_claims(http, "demo-native", client_id="demo-native", client_secret=None, scope="openid")

    assert claims["aud"] == "demo-native"


def test_id_token_says_who_logged_in_when_and_how(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = people.make(**KNOWN)

    assert id_token_claims(http, username=user.username, scope="openid") == {
        "iss": ISSUER,
        "sub": user.user_id,
        "aud": "demo-backend",
        "iat": int(clock()),
        "exp": int(clock()) + ID_TOKEN_LIFETIME_S,
        "auth_time": int(clock()),
        "amr": ["pwd"],
    }


def test_id_token_names_the_same_person_as_the_access_token(http: Http) -> None:
    body = http.login(scope="openid read:timesheets").json()
    access, identity = verify_token(http, body["access_token"]), verify_token(http, body["id_token"], "demo-backend")

    shared = ("iss", "sub", "iat", "auth_time", "amr")
    assert {name: identity[name] for name in shared} == {name: access[name] for name in shared}


def test_realm_grant_yields_an_id_token_too(http: Http, people: PeopleMaker) -> None:
    user = people.make("customers", name="Bob")
    claims = verify_token(
        http,
        http.realm_login("customers", username=user.email, scope="openid profile").json()["id_token"],
        "demo-backend",
    )

    assert (claims["sub"], claims["name"]) == (user.user_id, "Bob")
    assert "preferred_username" not in claims


def profile_of(user: Any) -> dict[str, Any]:
    names = ("name", "given_name", "family_name", "nickname", "picture", "updated_at")
    return {name: getattr(user, name) for name in names} | {"preferred_username": user.username}


def email_of(user: Any) -> dict[str, Any]:
    return {"email": user.email, "email_verified": True}


def phone_of(user: Any) -> dict[str, Any]:
    return {"phone_number": user.phone_number, "phone_number_verified": True}


@pytest.mark.parametrize(
    ("scope", "shown"),
    [
        ("openid", []),
        ("openid profile", [profile_of]),
        ("openid email", [email_of]),
        ("openid phone", [phone_of]),
        ("openid address", []),
        ("openid profile email phone address", [profile_of, email_of, phone_of]),
    ],
)
def test_each_scope_shows_its_own_claims(http: Http, people: PeopleMaker, scope: str, shown: list[Any]) -> None:
    user = people.make(**KNOWN)
    claims = id_token_claims(http, username=user.username, scope=scope)

    assert {name: value for name, value in claims.items() if name not in ALWAYS} == {
        name: value for part in shown for name, value in part(user).items()
    }


def test_what_is_not_known_is_left_out(http: Http, people: PeopleMaker) -> None:
    user = people.make(email="")
    claims = id_token_claims(http, username=user.username, scope="openid profile email phone")

    assert set(claims) == ALWAYS | {"preferred_username", "updated_at"}


def test_unverified_address_and_number_say_so(http: Http, people: PeopleMaker) -> None:
    user = people.make(phone_number="+442079460000")
    claims = id_token_claims(http, username=user.username, scope="openid email phone")

    assert (claims["email_verified"], claims["phone_number_verified"]) == (False, False)


def test_times_are_whole_seconds(http: Http) -> None:
    claims = id_token_claims(http, scope="openid profile")

    assert {name: type(claims[name]) for name in ("iat", "exp", "auth_time", "updated_at")} == dict.fromkeys(
        ("iat", "exp", "auth_time", "updated_at"), int
    )


@pytest.fixture(params=["RS256", "ES256", "auth0 dialect", "no API"])
def audience(request: pytest.FixtureRequest, stage: Stage) -> str | None:
    """The audiences of the access token: the ID token beside it is always of one kind."""
    if request.param == "auth0 dialect":
        return make_api(stage, token_dialect="access_token")
    return {"RS256": TIMESHEETS, "ES256": REPORTS, "no API": None}[request.param]


def test_header_is_always_rs256_and_jwt(http: Http, audience: str | None) -> None:
    header = jwt.get_unverified_header(http.login(audience=audience, scope="openid").json()["id_token"])
    keys = http.get("/.well-known/jwks.json").json()["keys"]

    assert header == {
        "alg": "RS256",
        "typ": "JWT",
        "kid": next(key["kid"] for key in keys if key["alg"] == "RS256"),
    }


def test_id_token_is_no_access_token(http: Http, audience: str | None) -> None:
    id_token = http.login(audience=audience, scope="openid profile").json()["id_token"]
    shown = http.get("/userinfo", headers={"Authorization": f"Bearer {id_token}"})
    introspected = http.post("/oauth/introspect", data={"token": id_token, **BACKEND})

    assert (shown.status_code, shown.json()["error"]) == (401, "invalid_token")
    assert introspected.json() == {"active": False}


def test_id_token_is_no_refresh_token_and_no_client_assertion(http: Http) -> None:
    id_token = http.login(scope="openid").json()["id_token"]
    refreshed = http.refresh(id_token)
    assertion = {"client_assertion": id_token, "client_assertion_type": ASSERTION_TYPE}
    asserted = http.login(client_id=None, client_secret=None, **assertion)

    assert (refreshed.status_code, refreshed.json()["error"]) == (400, "invalid_grant")
    assert (asserted.status_code, asserted.json()["error"]) == (401, "invalid_client")


def test_refresh_yields_an_id_token_of_the_same_login(http: Http, clock: Clock) -> None:
    clock.advance(-1000)
    logged_in_at, body = int(clock()), http.login(scope=OFFLINE).json()
    first = jwt.decode(body["id_token"], options={"verify_signature": False})
    clock.advance(1000)
    again = verify_token(http, refresh(http, body["refresh_token"])["id_token"], "demo-backend")

    # OpenID Connect Core 12.2: iss, sub, aud and auth_time stay, iat is new.
    assert again == first | {"iat": int(clock()), "exp": int(clock()) + ID_TOKEN_LIFETIME_S}
    assert again["auth_time"] == logged_in_at


def test_refresh_shows_the_person_as_they_are_now(http: Http, stage: Stage, people: PeopleMaker) -> None:
    user = people.make(name="Before")
    body = http.login(username=user.username, scope=OFFLINE).json()
    rename(stage, user.user_id, "After")
    again = verify_token(http, refresh(http, body["refresh_token"])["id_token"], "demo-backend")

    assert jwt.decode(body["id_token"], options={"verify_signature": False})["name"] == "Before"
    assert again["name"] == "After"


def test_refresh_narrowed_to_no_openid_yields_none(http: Http) -> None:
    body = http.login(scope=OFFLINE).json()

    assert "id_token" not in refresh(http, body["refresh_token"], scope="read:timesheets")


def test_refresh_narrowed_to_openid_shows_no_profile(http: Http) -> None:
    body = http.login(scope=OFFLINE).json()
    again = refresh(http, body["refresh_token"], scope="openid")

    assert set(verify_token(http, again["id_token"], "demo-backend")) == ALWAYS


def test_login_with_openid_makes_six_calls_in_three_rounds(http: Http, stage: Stage) -> None:
    assert http.login(scope="openid").status_code == 200
    with rounds_of(stage) as calls, together(stage, "Sign", "Sign", "UpdateItem last_login"):
        assert http.login(scope="openid profile").status_code == 200

    assert calls.rounds == [{"BatchGetItem"}, {"GetItem", "UpdateItem"}, {"Sign", "UpdateItem"}]
    assert len(calls.made) == http.log[-1]["aws_calls"] == 6


def test_refresh_with_openid_makes_four_calls_in_two_rounds(http: Http, stage: Stage) -> None:
    refresh_token = http.login(scope=OFFLINE).json()["refresh_token"]
    with rounds_of(stage) as calls, together(stage, "Sign", "Sign", "PutItem"):
        assert "id_token" in refresh(http, refresh_token)

    assert calls.rounds == [{"BatchGetItem"}, {"Sign", "PutItem"}]
    assert len(calls.made) == http.log[-1]["aws_calls"] == 4


@pytest.mark.parametrize("which", [0, 1])
def test_login_whose_id_or_access_token_cannot_be_signed_yields_neither(http: Http, stage: Stage, which: int) -> None:
    with failing(stage, "Sign", aws_error("InternalServerError"), times=range(which, which + 1)):
        response = http.login(scope="openid")

    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert "id_token" in http.login(scope="openid").json()


def test_id_token_over_the_cap_is_refused_and_not_trimmed(http: Http, people: PeopleMaker) -> None:
    user = people.make(picture="https://example.com/" + "x" * 4096)
    response = http.login(username=user.username, scope="openid profile")

    assert (response.status_code, response.json()["error"]) == (500, "server_error")
    assert http.login(username=user.username, scope="openid email").status_code == 200


def test_id_token_lives_its_own_time_and_not_the_apis(http: Http, stage: Stage) -> None:
    body = http.login(audience=make_api(stage, token_lifetime=42), scope="openid").json()
    claims = verify_token(http, body["id_token"], "demo-backend")

    assert body["expires_in"] == 42
    assert claims["exp"] - claims["iat"] == ID_TOKEN_LIFETIME_S
