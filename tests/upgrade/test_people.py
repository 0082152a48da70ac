"""The item of a person of before becomes two, at their first login or change, whoever is faster (docs/adr/0028)."""

from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.store.dynamo import from_item
from chalicelib.store.people.upgrade import upgrade_user
from infra.stage.aws import Stage
from infra.stage.people import People
from tests.support.faults import before
from tests.support.fixed import BCRYPT_COST, Clock, Hashes
from tests.support.http import Http
from tests.support.stages import change_mfa, client_of
from tests.support.threads import at_once
from tests.upgrade.filled import Filled, fill

OF_CREDENTIALS = ("password_hash", "credential_version", "families_version", "last_login", "known_addresses", "blocked")
OF_PROFILE = ("username", "email", "app_metadata", "password_history", "created_at")


@pytest.fixture
def filled(stage: Stage) -> Filled:
    """The stage as it was left, before any migration."""
    return fill()


def item_of(filled: Filled, who: str, kind: str) -> dict[str, Any]:
    """Return one item of a person, empty if there is none."""
    said = filled.said[who]
    pk = {"S": f"{kind}#{said['user_id']}"}
    found = [one for one in filled.items(f"users-{said['realm']}") if one["pk"] == pk]
    return from_item(found[0]) if found else {}


def people_of(filled: Filled, who: str) -> People:
    return People.of(filled.stage, filled.said[who]["realm"], BCRYPT_COST)


def log_in(http: Http, filled: Filled, who: str, password: str = "") -> int:
    said = filled.said[who]
    password = password or said["password"]
    return http.realm_login(said["realm"], username=said["name"], password=password).status_code


def require_split(filled: Filled, who: str, was: dict[str, Any]) -> None:
    """Hold the two items of a person against the one that they were."""
    credentials, profile = item_of(filled, who, "cred"), item_of(filled, who, "user")
    assert set(OF_CREDENTIALS) <= set(credentials)
    assert not set(OF_CREDENTIALS) & set(profile)
    assert {name: profile[name] for name in OF_PROFILE} == {name: was[name] for name in OF_PROFILE}
    assert credentials["schema"] == profile["schema"] == 2


def test_first_login_splits_the_item(http: Http, filled: Filled) -> None:
    was = item_of(filled, "plain", "user")
    assert (item_of(filled, "plain", "cred"), "schema" in was) == ({}, False)
    assert log_in(http, filled, "plain") == 200

    require_split(filled, "plain", was)
    assert item_of(filled, "plain", "cred")["logins_count"] == was["logins_count"] + 1
    assert log_in(http, filled, "plain") == 200


def test_wrong_password_splits_the_item_and_is_counted(http: Http, filled: Filled) -> None:
    was = item_of(filled, "plain", "user")
    assert [log_in(http, filled, "plain", "wrong") for _ in range(11)] == [400] * 10 + [429]

    require_split(filled, "plain", was)


def test_people_who_log_in_at_once_for_the_first_time_all_get_in(http: Http, filled: Filled) -> None:
    was = item_of(filled, "plain", "user")

    assert set(at_once(8, lambda _: log_in(http, filled, "plain"))) == {200}
    require_split(filled, "plain", was)
    assert item_of(filled, "plain", "cred")["logins_count"] == was["logins_count"] + 8


@pytest.mark.parametrize("change", ["block", "password", "delete"])
def test_change_while_the_item_is_split_is_not_lost(http: Http, filled: Filled, change: str) -> None:
    people = people_of(filled, "plain")
    user = people.users.dynamo.read(people.users.read_of(filled.said["plain"]["user_id"]))
    assert user
    changes = {
        "block": lambda: people.set_blocked(user, True),
        "password": lambda: people.set_password(user, "another horse battery staple"),
        "delete": lambda: people.delete(user),
    }
    with before(filled.stage, "TransactWriteItems", changes[change]):
        status = log_in(http, filled, "plain")

    assert status == {"block": 403, "password": 400, "delete": 400}[change]
    assert log_in(http, filled, "plain") == status


@pytest.mark.parametrize("scope", [None, "read:timesheets"], ids=["with the profile", "without"])
def test_refresh_of_a_person_of_before_goes_on(filled: Filled, clock: Clock, hashes: Hashes, scope: str | None) -> None:
    externals = wiring.Externals(clock=clock, pause=clock.pause, verify=hashes.verify)
    with change_mfa(filled.stage, factors=["otp"]), client_of(filled.stage, externals) as client:
        assert client.refresh(filled.said["plain"]["refresh_token"], scope=scope).status_code == 200


def test_stale_item_is_not_split_over_a_newer_one(filled: Filled) -> None:
    people, said = people_of(filled, "plain"), filled.said["plain"]
    stale = item_of(filled, "plain", "user")
    user = people.find(said["user_id"])
    people.set_password(user, "another horse battery staple")

    assert upgrade_user(filled.stage.dynamo, people.realm.users_table, stale)
    after = people.users.read(said["user_id"])
    assert after
    assert after.credential_version == user.credential_version + 1
