"""Setting a password: the realm's policy, its history, and breached passwords (docs/run/passwords.md)."""

import itertools
from dataclasses import replace
from functools import partial

import bcrypt
import pytest

from chalicelib.passwords.range_api import is_pwned
from infra.errors import OperatorError
from infra.stage.people import People
from tests.cli.conftest import Gatehouse
from tests.support.fixed import BCRYPT_COST
from tests.support.http import Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.range_api import RangeServer, serving_ranges
from tests.support.tenant_documents import small_document

EMPLOYEES = ("--realm", "employees", "--password-stdin")
STAFF = ("users", "add", "--realm", "staff", "--password-stdin", "--username")
CANARY = "canary in the password"
BREACHED = "That password is among those that were disclosed in data breaches."
PERSONAL = "That password holds the person's username, email or name."
_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A username that nobody has."""
    return f"newcomer{next(_numbers)}"


@pytest.mark.parametrize(
    ("options", "password", "said"),
    [
        ((), "iloveyou123", BREACHED),
        ((), "AUTH0-TEST-anything", BREACHED),
        (("--name", "Ottilie Kestrel"), "the kestrel flies", PERSONAL),
        (("--email", "kestrel@example.com"), "the kestrel flies", PERSONAL),
        ((), "letmein", f"Realm employees asks for 8 characters or more; that password has 7. {BREACHED}"),
    ],
)
def test_password_that_the_policy_is_against_is_refused_with_every_reason(
    shared: Gatehouse, name: str, options: tuple[str, ...], password: str, said: str
) -> None:
    ran = shared.run("users", "add", *EMPLOYEES, "--username", name, *options, typed=f"{password}\n")

    assert (ran.code, ran.out, ran.err) == (2, "", f"{said}\n")
    assert People.of(shared.stage, "employees").users.locate(name, ("username",)) is None


@pytest.mark.parametrize(
    ("password", "said"), [("iloveyou123", BREACHED), ("x" * 1025, "A password has at most 1024 characters.")]
)
def test_new_password_that_the_policy_is_against_leaves_the_old_one(
    shared: Gatehouse, people: PeopleMaker, http: Http, password: str, said: str
) -> None:
    username = people.make().username
    ran = shared.run("users", "set-password", username, *EMPLOYEES, typed=f"{password}\n")

    assert (ran.code, ran.err) == (2, f"{said}\n")
    assert http.login(username=username, password=PASSWORD).status_code == 200


def test_hash_made_elsewhere_is_held_to_no_policy(shared: Gatehouse, name: str) -> None:
    weak = bcrypt.hashpw(b"letmein", bcrypt.gensalt(BCRYPT_COST)).decode()
    person = ("--realm", "employees", "--username", name)

    assert shared.run("users", "add", *person, "--password-hash-stdin", typed=f"{weak}\n").code == 0


def test_last_passwords_are_refused_as_far_as_the_history_goes(
    shared: Gatehouse, people: PeopleMaker, http: Http
) -> None:
    email = people.make("customers", password=f"{CANARY} 0").email
    person = ("users", "set-password", email, "--realm", "customers", "--password-stdin")

    # The realm remembers 5: with the fifth new one the first is free again.
    codes = [shared.run(*person, typed=f"{CANARY} {number}\n").code for number in (1, 2, 3, 4, 0, 4, 5, 1, 0)]
    again = shared.run(*person, typed=f"{CANARY} 5\n")

    assert codes == [0, 0, 0, 0, 2, 2, 0, 2, 0]
    assert (again.code, again.err) == (2, "That password is one of the last 5 of this person.\n")
    assert len(People.of(shared.stage, "customers").find(email).password_history) == 4
    assert http.realm_login("customers", username=email, password=f"{CANARY} 0").status_code == 200


def test_realm_without_a_history_keeps_no_former_password(shared: Gatehouse, people: PeopleMaker) -> None:
    username = people.make().username
    person = ("users", "set-password", username, *EMPLOYEES)

    assert [shared.run(*person, typed=f"{PASSWORD}\n").code for _ in range(2)] == [0, 0]
    assert People.of(shared.stage, "employees").find(username).password_history == []


def test_history_outlasts_a_login_that_renews_the_hash(people: PeopleMaker, http: Http) -> None:
    realm = replace(people.of("customers"), bcrypt_cost=BCRYPT_COST + 1)
    email = people.make("customers", password=f"{CANARY} 0").email
    realm.set_password(realm.find(email), f"{CANARY} 1")

    assert http.realm_login("customers", username=email, password=f"{CANARY} 1").status_code == 200
    with pytest.raises(OperatorError, match="one of the last 5"):
        realm.set_password(realm.find(email), f"{CANARY} 0")


def test_former_passwords_are_in_no_repr_and_not_shown(shared: Gatehouse, people: PeopleMaker) -> None:
    email = people.make("customers", password=f"{CANARY} 0").email
    realm = people.of("customers")
    realm.set_password(realm.find(email), f"{CANARY} 1")
    user = realm.find(email)
    shown = shared.run("users", "show", email, "--realm", "customers", "--json").out

    assert len(user.password_history) == 1
    assert "$2b$" not in repr(user) + shown


def test_own_words_of_a_realm_are_refused(gatehouse: Gatehouse) -> None:
    policy = {"dictionary": ["Acme Timesheets"], "min_length": 10, "no_personal_info": False}
    realm = {"name": "staff", "identifiers": ["username"], "password_policy": policy}
    gatehouse.provision(small_document(realms=[realm]))

    refused = gatehouse.run(*STAFF, "kestrel", typed="acme timesheets\n")
    assert (refused.code, refused.err) == (2, "That password is in the dictionary of realm staff.\n")
    assert gatehouse.run(*STAFF, "kestrel", typed="the kestrel flies\n").code == 0


def test_breached_password_is_taken_where_detection_is_off(gatehouse: Gatehouse) -> None:
    off = {"breached_password_detection": {"enabled": False, "range_api": True}}
    gatehouse.provision(small_document(attack_protection=off))

    assert gatehouse.run(*STAFF, "x", typed="iloveyou123\n").code == 0


def asking(gatehouse: Gatehouse, ranges: RangeServer, warnings: list[str]) -> People:
    """Return people whose passwords are looked up in Pwned Passwords, which is on this machine."""
    gatehouse.provision(small_document(attack_protection={"breached_password_detection": {"range_api": True}}))
    people = People.of(gatehouse.stage, "staff", BCRYPT_COST)
    return replace(people, range_api=partial(is_pwned, connect=ranges.connect), warn=warnings.append)


def test_new_password_that_only_the_range_api_knows_is_refused(gatehouse: Gatehouse) -> None:
    warnings: list[str] = []
    with serving_ranges() as ranges:
        ranges.leak(CANARY, count=1)
        with pytest.raises(OperatorError, match=BREACHED):
            asking(gatehouse, ranges, warnings).add(CANARY, None, username="x")
    assert warnings == []


def test_range_api_that_fails_keeps_no_password_from_being_set(gatehouse: Gatehouse) -> None:
    warnings: list[str] = []
    with serving_ranges() as ranges:
        ranges.status = 503
        assert asking(gatehouse, ranges, warnings).add(CANARY, None, username="x").username == "x"
    assert warnings == [
        "Pwned Passwords gave no answer (status 503): the password was checked against the filter alone."
    ]
