"""Two realms that share a user_id: each person's tokens, factors and families are their own. Through HTTP."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chalicelib.model.account import Account
from chalicelib.model.user import User
from chalicelib.store.people.user_records import UserRecords
from chalicelib.tokens.refresh import MAX_FAMILIES
from infra.errors import OperatorError, UserExists
from infra.stage.aws import Stage
from infra.stage.people import People
from tests.support.access_tokens import signed_by_us, userinfo
from tests.support.fixed import ISSUER
from tests.support.http import BACKEND, PASSWORD_REALM, Http
from tests.support.mfa import authenticators, mfa_api_login
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.tokens import claims_of

SCOPE = "openid profile offline_access"
INACTIVE = {"active": False}
Pair = dict[str, User]


@pytest.fixture(params=["auth0|", "employees|", "customers|", ""], ids=ascii)
def namesakes(request: pytest.FixtureRequest, stage: Stage, people: PeopleMaker) -> Pair:
    """Two people of one user_id, as a stage has them from before this was refused: made directly in the store."""
    return namesakes_of(stage, people, f"{request.param}shared{id(request)}")


def namesakes_of(stage: Stage, people: PeopleMaker, shared: str) -> Pair:
    pair = {}
    for realm in ("employees", "customers"):
        made = people.make(realm, name=f"Somebody of {realm}")
        store = UserRecords(stage.dynamo, f"{stage.prefix}users-{realm}")
        store.delete(made)
        pair[realm] = replace(made, user_id=shared)
        store.create(pair[realm])
    return pair


def login(http: Http, realm: str, user: User, **params: str | None) -> httpx.Response:
    given = {"username": user.email, "scope": SCOPE, "grant_type": PASSWORD_REALM, "realm": realm}
    return http.login(**{**given, **params})


def told(http: Http, token: str) -> Any:
    return http.post("/oauth/introspect", data={"token": token, **BACKEND}).json()


def test_userinfo_answers_for_the_person_who_logged_in(http: Http, namesakes: Pair) -> None:
    for realm, user in namesakes.items():
        token = login(http, realm, user).json()["access_token"]

        assert userinfo(http, token).json()["name"] == f"Somebody of {realm}"


@pytest.mark.parametrize("realm", ["employees", "customers"])
@pytest.mark.parametrize("change", ["block", "delete", "password"])
def test_token_never_falls_through_to_the_namesake(
    http: Http, people: PeopleMaker, namesakes: Pair, realm: str, change: str
) -> None:
    user, of_realm = namesakes[realm], people.of(realm)
    changes: dict[str, Callable[[], Any]] = {
        "block": lambda: of_realm.set_blocked(user, True),
        "delete": lambda: of_realm.delete(user),
        "password": lambda: of_realm.set_password(user, "quite another passphrase"),
    }
    bodies = {name: login(http, name, one).json() for name, one in namesakes.items()}
    changes[change]()

    for name, body in bodies.items():
        is_other = name != realm
        assert (userinfo(http, body["access_token"]).status_code == 200) is is_other
        assert (told(http, body["access_token"]) != INACTIVE) is is_other
        assert (told(http, body["refresh_token"]) != INACTIVE) is is_other
        assert (http.refresh(body["refresh_token"]).status_code == 200) is is_other


def test_token_that_names_no_realm_leads_to_nobody(http: Http, stage: Stage, people: PeopleMaker) -> None:
    pair = namesakes_of(stage, people, "auth0|before")
    claims = claims_of(login(http, "employees", pair["employees"])) | {"jti": "names-no-realm"}
    token = signed_by_us(stage, claims)

    assert (userinfo(http, token).status_code, told(http, token)) == (401, INACTIVE)


@pytest.mark.parametrize("realm", ["employees", "customers"])
def test_factors_are_those_of_the_person_who_logged_in(http: Http, namesakes: Pair, realm: str) -> None:
    tokens = {
        name: login(http, name, user, audience=f"{ISSUER}mfa/", scope=None).json()["access_token"]
        for name, user in namesakes.items()
    }
    bearers = {name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()}
    enrolled = http.post("/mfa/associate", json={"authenticator_types": ["otp"]}, headers=bearers[realm])

    assert enrolled.status_code == 200
    for name, headers in bearers.items():
        listed = http.get("/mfa/authenticators", headers=headers).json()
        assert any(one["authenticator_type"] == "otp" for one in listed) is (name == realm)


@pytest.mark.parametrize("realm", ["employees", "customers"])
def test_tools_list_and_end_the_families_of_one_of_them(
    http: Http, people: PeopleMaker, namesakes: Pair, realm: str
) -> None:
    tokens = {name: login(http, name, user).json()["refresh_token"] for name, user in namesakes.items()}
    mine = people.of(realm)

    assert [family.key.realm for family in mine.live_families(namesakes[realm])] == [realm]
    assert mine.end_families(namesakes[realm], "demo-backend") == 1
    for name, token in tokens.items():
        assert (http.refresh(token).status_code == 200) is (name != realm)


def test_cap_of_one_ends_no_family_of_the_other(http: Http, stage: Stage, namesakes: Pair) -> None:
    kept = login(http, "customers", namesakes["customers"]).json()["refresh_token"]
    login(http, "employees", namesakes["employees"])
    fill_counter(stage, namesakes["employees"])
    login(http, "employees", namesakes["employees"])

    assert http.refresh(kept).status_code == 200


def fill_counter(stage: Stage, user: User) -> None:
    """Let the person's record say that a client has as many families as it may, so that the next login looks."""
    table, key = f"{stage.prefix}users-employees", {"pk": {"S": f"cred#{user.user_id}"}}
    item = stage.clients.dynamodb.get_item(TableName=table, Key=key)["Item"]
    (counter,) = [name for name in item if name.startswith("families_of_")]
    stage.clients.dynamodb.put_item(TableName=table, Item=item | {counter: {"N": str(MAX_FAMILIES)}})


# Whatever the IDs look like.

REALMS = ("employees", "customers")
PARTS = (
    "#",
    "|",
    "user#",
    "cred#",
    "counts",
    "mfa#",
    "families#",
    "family#",
    "name:",
    "*",
    "total",
    *REALMS,
    "auth0",
    "7",
    "x",
)
IDS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=5).map("".join).filter(lambda text: len(text) > 1)


@given(ids=st.tuples(IDS, IDS) | IDS.map(lambda one: (one, one)), ended=st.sampled_from(REALMS))
@hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(ids=("customers#user#x", "user#x"), ended="employees")
@example(ids=("customers|7", "customers|7"), ended="customers")
def test_any_two_user_ids_of_two_realms_are_two_people(
    http: Http, stage: Stage, people: PeopleMaker, ids: tuple[str, str], ended: str
) -> None:
    pair = {realm: renamed(stage, people, realm, user_id) for realm, user_id in zip(REALMS, ids, strict=True)}
    bodies = {realm: login(http, realm, user).json() for realm, user in pair.items()}
    managing = {
        realm: login(http, realm, user, audience=f"{ISSUER}mfa/", scope=None).json()["access_token"]
        for realm, user in pair.items()
    }
    login(http, ended, pair[ended], password="wrong")
    people.of(ended).set_blocked(pair[ended], True)

    for realm, body in bodies.items():
        lives = realm != ended
        assert (userinfo(http, body["access_token"]).status_code == 200) is lives
        assert (told(http, body["access_token"]) != INACTIVE) is lives
        assert (authenticators(http, managing[realm]).status_code == 200) is lives
        assert (http.refresh(body["refresh_token"]).status_code == 200) is lives
        assert (login(http, realm, pair[realm]).status_code == 200) is lives
        assert all(one.key.realm == realm for one in people.of(realm).live_families(pair[realm]))
    for realm, user in pair.items():
        people.of(realm).delete(people.of(realm).find(user.user_id))
    assert families_left(stage, ids) == []


@given(one=st.tuples(st.sampled_from(REALMS), IDS), other=st.tuples(st.sampled_from(REALMS), IDS))
@hypothesis_settings(max_examples=500)
def test_accounts_of_two_people_have_two_keys(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (Account(*one).key == Account(*other).key) is (one == other)
    assert Account.of_key(Account(*one).key) == Account(*one)


def renamed(stage: Stage, people: PeopleMaker, realm: str, user_id: str) -> User:
    """Make a person of this user_id, directly in the store."""
    made, store = people.make(realm), UserRecords(stage.dynamo, f"{stage.prefix}users-{realm}")
    store.delete(made)
    store.create(replace(made, user_id=user_id))
    return replace(made, user_id=user_id)


def families_left(stage: Stage, ids: tuple[str, str]) -> list[str]:
    items = stage.clients.dynamodb.scan(TableName=f"{stage.prefix}sessions")["Items"]
    keys = {f"families#{realm}#{user_id}" for realm, user_id in zip(REALMS, ids, strict=True)}
    return [pk for item in items if (pk := str(item["pk"]["S"])) in keys]


# What is refused from now on.


def added(people: People, user_id: str) -> User:
    name = f"import{id(user_id)}@example.com"
    return people.add(PASSWORD, None, email=name, user_id=user_id)


@pytest.mark.parametrize("realm", ["employees", "customers", "partners"])
def test_user_id_that_another_realm_has_given_out_is_refused(people: PeopleMaker, realm: str) -> None:
    taken = people.make("employees").user_id

    with pytest.raises(UserExists) as refused:
        added(people.of(realm), taken)
    assert str(refused.value) == f"Realm employees has given out the user_id {taken} already. Choose another one."


@pytest.mark.parametrize("user_id", ["", "-", "a b", "a\n", "é", "demo-m2m@clients", "x" * 256])
def test_user_id_that_can_be_no_sub_is_refused(people: PeopleMaker, user_id: str) -> None:
    with pytest.raises(OperatorError, match="A user_id has 2 to 255 printable ASCII characters"):
        added(people.of("customers"), user_id)


def test_imported_user_id_is_kept_and_is_the_sub(http: Http, people: PeopleMaker) -> None:
    user = people.make("customers", user_id="auth0|0123456789abcdef01234567")
    body = login(http, "customers", user).json()

    assert userinfo(http, body["access_token"]).json()["sub"] == "auth0|0123456789abcdef01234567"
    assert told(http, body["access_token"])["active"] is True


def test_who_gets_the_user_id_of_a_deleted_person_gets_nothing_that_is_out(http: Http, people: PeopleMaker) -> None:
    of_realm, user_id = people.of("employees"), "auth0|made-twice"
    first = people.make(user_id=user_id)
    token = login(http, "employees", first).json()["access_token"]
    managing = mfa_api_login(http, first.username).json()["access_token"]
    assert (userinfo(http, token).status_code, authenticators(http, managing).status_code) == (200, 200)
    of_realm.delete(of_realm.find(user_id))
    second = people.make(user_id=user_id)

    assert (userinfo(http, token).status_code, authenticators(http, managing).status_code) == (401, 401)
    assert [told(http, one) for one in (token, managing)] == [INACTIVE, INACTIVE]
    assert userinfo(http, login(http, "employees", second).json()["access_token"]).json()["sub"] == user_id
