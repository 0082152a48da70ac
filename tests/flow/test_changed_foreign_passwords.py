"""People whose password is still another server's hash: a new password drops it, and nothing tells it."""

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.model.user import User
from infra.move.people.hashes import stored_hash
from infra.stage.aws import Stage
from tests.support.accounts import (
    NEW_PASSWORD,
    OPEN,
    VERIFIED,
    ask_reset,
    log_in,
    mails,
    new_email,
    open_demo,
    reset,
    sign_up,
    ticket_of,
)
from tests.support.faults import aws_error, failing
from tests.support.fixed import BCRYPT_COST, Clock
from tests.support.http import Http
from tests.support.management import Backend
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage

VECTORS = json.loads(Path(__file__).with_name("foreign_hashes.json").read_text("utf-8"))
# One vector of each algorithm, and a text that no library verifies.
OF_EACH = {str(one["row"]["custom_password_hash"]["algorithm"]): one for one in VECTORS}
OLD_PASSWORD = VECTORS[0]["password"]
FOREIGN = stored_hash(OF_EACH["sha256"]["row"])
OURS = f"$2b${BCRYPT_COST:02}$"
THIRD_PASSWORD = "other quiet words 358"
STORED = {name: stored_hash(one["row"]) for name, one in OF_EACH.items()} | {"damaged": "$no hash$"}


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage of these tests' own, where a run of the schedule finds no emails of others."""
    return provision_stage("changed", open_demo())


@pytest.fixture
def http(http: Http) -> Http:
    """A client that no throttle counts."""
    return http.at("127.0.0.1")


def moved(people: PeopleMaker, stored: str, realm: str = OPEN, **fields: Any) -> User:
    """Return somebody whose password has this stored form, as an import leaves them."""
    user = people.make(realm, password=None, **fields)
    people.of(realm).records.set_password_hash(user.user_id, [stored], 0, ends_families=False)
    return user


def realm_of(user: User) -> str:
    return user.user_id.partition("|")[0]


def items_of(stage: Stage, user: User) -> str:
    """Return all items of a person, as a text."""
    items = stage.clients.dynamodb.scan(TableName=f"{stage.prefix}users-{realm_of(user)}")["Items"]
    return str([one for one in items if user.user_id in str(one) or user.email in str(one)])


def logins(http: Http, user: User, *passwords: str) -> list[int]:
    return [log_in(http, realm_of(user), user.email, password).status_code for password in passwords]


@pytest.mark.parametrize("scheme", STORED)
def test_reset_of_a_password_leaves_nothing_of_a_foreign_hash(
    http: Http, stage: Stage, people: PeopleMaker, scheme: str
) -> None:
    user = moved(people, STORED[scheme])
    before = items_of(stage, user)
    ask_reset(http, OPEN, user.email)
    answer = reset(http, OPEN, NEW_PASSWORD, ticket=ticket_of(mails(http, user.email)[-1]))

    assert STORED[scheme] in before
    assert (answer.status_code, logins(http, user, OLD_PASSWORD, NEW_PASSWORD)) == (200, [400, 200])
    assert STORED[scheme] not in items_of(stage, user)


@pytest.mark.parametrize("operation", ["", "TransactWriteItems", "UpdateItem", "BatchGetItem", "GetItem", "Decrypt"])
def test_foreign_hash_is_in_no_log_line_and_no_answer(
    http: Http, stage: Stage, people: PeopleMaker, capfd: pytest.CaptureFixture[str], operation: str
) -> None:
    def lives(user: User) -> list[Any]:
        return [
            log_in(http, OPEN, user.email, "wrong words 9"),
            log_in(http, OPEN, user.email, OLD_PASSWORD),
            sign_up(http, OPEN, user.email, NEW_PASSWORD),
            ask_reset(http, OPEN, user.email),
            reset(http, OPEN, NEW_PASSWORD, ticket=f"et1_{'0' * 32}{'x' * 43}"),
        ]

    users = {name: moved(people, stored) for name, stored in STORED.items()}
    backend = Backend.of(stage, http)
    answers = [backend.send("GET", f"/users/{user.user_id}") for user in users.values()]
    if operation:
        with failing(stage, operation, aws_error("InternalServerError"), range(1000)):
            answers += [answer for user in users.values() for answer in lives(user)]
    else:
        answers += [answer for user in users.values() for answer in lives(user)]

    printed = capfd.readouterr()
    told = json.dumps(http.log) + printed.out + printed.err + "".join(answer.text for answer in answers)
    # The last part is the checksum, which nothing else holds.
    sums = {name: stored.rpartition("$")[2] or stored for name, stored in STORED.items()}
    assert [name for name, checksum in sums.items() if checksum in told] == []


def test_change_by_the_management_api_leaves_no_foreign_hash(
    backend: Backend, people: PeopleMaker, stage: Stage
) -> None:
    user = moved(people, FOREIGN)
    assert FOREIGN in items_of(stage, user)
    changed = backend.send("PATCH", f"/users/{user.user_id}", json={"password": NEW_PASSWORD})

    assert changed.status_code == 200
    assert people.of(OPEN).find(user.user_id).password_hash.startswith(OURS)
    assert FOREIGN not in items_of(stage, user)
    assert logins(backend.http, user, OLD_PASSWORD, NEW_PASSWORD) == [400, 200]


def test_present_password_by_the_management_api_changes_nothing(backend: Backend, people: PeopleMaker) -> None:
    """A change that is sent again is the same change, so the hash waits for the first login."""
    user = moved(people, FOREIGN)
    answer = backend.send("PATCH", f"/users/{user.user_id}", json={"password": OLD_PASSWORD})

    assert answer.status_code == 200
    assert people.of(OPEN).find(user.user_id).password_hash == FOREIGN
    assert logins(backend.http, user, OLD_PASSWORD) == [200]
    assert people.of(OPEN).find(user.user_id).password_hash.startswith(OURS)


def test_foreign_hash_counts_as_the_latest_password_of_a_history(
    http: Http, backend: Backend, people: PeopleMaker
) -> None:
    user = moved(people, FOREIGN, VERIFIED)
    ask_reset(http, VERIFIED, user.email)
    ticket = ticket_of(mails(http, user.email)[-1])
    again = reset(http, VERIFIED, OLD_PASSWORD, ticket=ticket)
    changed = reset(http, VERIFIED, NEW_PASSWORD, ticket=ticket)
    later = backend.send("PATCH", f"/users/{user.user_id}", json={"password": OLD_PASSWORD})

    assert (again.status_code, again.json()["name"]) == (400, "PasswordHistoryError")
    assert (changed.status_code, later.status_code) == (200, 400)
    assert people.of(VERIFIED).find(user.user_id).password_hash.startswith(OURS)
    assert logins(http, user, OLD_PASSWORD, NEW_PASSWORD) == [400, 200]


def test_foreign_hash_leaves_a_history_when_it_is_no_longer_compared(
    backend: Backend, people: PeopleMaker, stage: Stage
) -> None:
    user = moved(people, FOREIGN, VERIFIED)
    kept = []
    for number in range(5):
        body = {"password": f"{NEW_PASSWORD} {number}"}
        assert backend.send("PATCH", f"/users/{user.user_id}", json=body).status_code == 200
        kept.append(FOREIGN in items_of(stage, user))

    assert kept == [True, True, True, True, False]


def test_history_after_the_first_login_has_no_foreign_hash(
    http: Http, backend: Backend, people: PeopleMaker, stage: Stage
) -> None:
    user = moved(people, FOREIGN, VERIFIED, email_verified=True)
    first = logins(http, user, OLD_PASSWORD)
    stored = items_of(stage, user)
    changed = backend.send("PATCH", f"/users/{user.user_id}", json={"password": NEW_PASSWORD})
    again = backend.send("PATCH", f"/users/{user.user_id}", json={"password": OLD_PASSWORD})

    assert (first, changed.status_code, again.status_code) == ([200], 200, 400)
    assert FOREIGN not in stored + items_of(stage, user)


def test_sign_up_of_somebody_with_a_foreign_hash_changes_nothing(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user = moved(people, FOREIGN, username="", created_at=1_600_000_000)
    answers = [sign_up(http, OPEN, user.email, password) for password in (OLD_PASSWORD, NEW_PASSWORD)]

    assert [answer.json()["code"] for answer in answers] == ["invalid_signup"] * 2
    assert people.of(OPEN).find(user.user_id).password_hash == FOREIGN
    assert logins(http, user, NEW_PASSWORD, OLD_PASSWORD) == [400, 200]
    assert people.of(OPEN).find(user.user_id).password_hash.startswith(OURS)


def test_sign_up_compares_the_foreign_hash_of_somebody_who_came_just_now(
    http: Http, people: PeopleMaker, clock: Clock
) -> None:
    """A sign-up whose answer was lost is answered again, and an import a moment before it looks like one."""
    user = moved(people, FOREIGN, username="", email=new_email(), created_at=int(clock()))
    answers = [sign_up(http, OPEN, user.email, password).status_code for password in (NEW_PASSWORD, OLD_PASSWORD)]

    assert answers == [400, 200]
    assert people.of(OPEN).find(user.user_id).password_hash == FOREIGN
    assert logins(http, user, OLD_PASSWORD, OLD_PASSWORD) == [200, 200]


def test_sign_up_with_verified_email_leaves_a_foreign_hash_alone(http: Http, people: PeopleMaker) -> None:
    user = moved(people, FOREIGN, VERIFIED, email_verified=True)
    answer = sign_up(http, VERIFIED, user.email, THIRD_PASSWORD)

    assert answer.status_code == 200
    assert people.of(VERIFIED).find(user.user_id).password_hash == FOREIGN
    assert logins(http, user, THIRD_PASSWORD, OLD_PASSWORD) == [400, 200]
