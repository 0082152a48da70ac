"""People whose password is still another server's hash: a reset drops it, and nothing tells it."""

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
    ask_reset,
    log_in,
    mails,
    open_demo,
    reset,
    sign_up,
    ticket_of,
)
from tests.support.faults import aws_error, failing
from tests.support.http import Http
from tests.support.management import Backend
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage

VECTORS = json.loads(Path(__file__).with_name("foreign_hashes.json").read_text("utf-8"))
# One vector of each algorithm, and a text that no library verifies.
OF_EACH = {str(one["row"]["custom_password_hash"]["algorithm"]): one for one in VECTORS}
OLD_PASSWORD = VECTORS[0]["password"]
STORED = {name: stored_hash(one["row"]) for name, one in OF_EACH.items()} | {"damaged": "$no hash$"}


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage of these tests' own, where a run of the schedule finds no emails of others."""
    return provision_stage("changed", open_demo())


@pytest.fixture
def http(http: Http) -> Http:
    """A client that no throttle counts."""
    return http.at("127.0.0.1")


def moved(people: PeopleMaker, stored: str) -> User:
    """Return somebody whose password has this stored form."""
    user = people.make(OPEN, password="to be replaced")
    people.of(OPEN).records.set_password_hash(user.user_id, [stored], 1, ends_families=False)
    return user


def items_of(stage: Stage, user: User) -> str:
    """Return all items of a person, as a text."""
    items = stage.clients.dynamodb.scan(TableName=f"{stage.prefix}users-{OPEN}")["Items"]
    return str([one for one in items if user.user_id in str(one) or user.email in str(one)])


@pytest.mark.parametrize("scheme", STORED)
def test_reset_of_a_password_leaves_nothing_of_a_foreign_hash(
    http: Http, stage: Stage, people: PeopleMaker, scheme: str
) -> None:
    user = moved(people, STORED[scheme])
    before = items_of(stage, user)
    ask_reset(http, OPEN, user.email)
    answer = reset(http, OPEN, NEW_PASSWORD, ticket=ticket_of(mails(http, user.email)[-1]))
    logins = [log_in(http, OPEN, user.email, password).status_code for password in (OLD_PASSWORD, NEW_PASSWORD)]

    assert STORED[scheme] in before
    assert (answer.status_code, logins) == (200, [400, 200])
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
