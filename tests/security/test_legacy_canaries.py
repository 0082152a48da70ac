"""A team's legacy function gets the password, and does with it what it should not: no log line and no answer has it."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.http import Http
from tests.support.legacy import client_with_legacy
from tests.support.people import PeopleMaker
from tests.support.tables import table_names

CANARY = "canary-9b2e47aa"
EMAIL = "careless@old.example"


class Canary(Exception):
    """An exception whose text and members have a password."""


def raising(_: str, password: str, __: SimpleNamespace) -> None:
    raise Canary(f"wrong: {password}")


def raising_from_another(_: str, password: str, __: SimpleNamespace) -> None:
    try:
        raise Canary(password)
    except Canary as cause:
        raise RuntimeError(password) from cause


def named_by_it(_: str, password: str, __: SimpleNamespace) -> None:
    raise type(f"E\n{{}} {password[:1]}", (Exception,), {"__str__": lambda _: password})


def ending(_: str, password: str, __: SimpleNamespace) -> None:
    raise SystemExit(password)


def returning(**members: Any) -> Callable[..., object]:
    """Return a function whose profile has the password in these members, for the texts `PASSWORD` in them."""

    def find(_: str, password: str, __: SimpleNamespace) -> object:
        text = json.dumps({"email": EMAIL} | members).replace("PASSWORD", password)
        return json.loads(text)

    return find


def returning_it(_: str, password: str, __: SimpleNamespace) -> object:
    return password


def returning_it_as_the_email(_: str, password: str, __: SimpleNamespace) -> object:
    return {"email": f"{password}@old.example"}


UNAVAILABLE = (raising, raising_from_another, named_by_it, ending)
REFUSED = (
    returning_it,
    returning_it_as_the_email,
    returning(password="PASSWORD"),
    returning(PASSWORD="x"),
    returning(user_id="PASSWORD two"),
    returning(picture="http://PASSWORD"),
    returning(phone_number="PASSWORD"),
    returning(name=["PASSWORD"]),
    returning(username="PASSWORD@x"),
    returning(app_metadata="PASSWORD"),
)


@pytest.mark.parametrize(
    ("find", "status"),
    [*((find, 503) for find in UNAVAILABLE), *((find, 400) for find in REFUSED)],
)
def test_password_that_a_function_shows_is_in_no_log_no_answer_and_no_item(
    find: Callable[..., object],
    status: int,
    stage: Stage,
    externals: wiring.Externals,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with client_with_legacy(stage, externals, find) as http:
        answer = http.login(username=EMAIL, password=CANARY)

    assert answer.status_code == status
    assert_unseen(http, answer.text, capfd)
    tables = table_names(stage.clients.dynamodb, stage.prefix)
    items = [item for table in tables for item in stage.clients.dynamodb.scan(TableName=table)["Items"]]
    assert CANARY not in json.dumps(items, default=str)


def test_password_of_a_move_is_stored_as_its_hash_alone(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, capfd: pytest.CaptureFixture[str]
) -> None:
    with client_with_legacy(stage, externals, returning(name="Ann")) as http:
        answer = http.login(username=EMAIL, password=CANARY)
        user = people.of("employees").find(EMAIL)

    assert answer.status_code == 200
    assert_unseen(http, answer.text, capfd)
    tables = table_names(stage.clients.dynamodb, stage.prefix)
    items = [item for table in tables for item in stage.clients.dynamodb.scan(TableName=table)["Items"]]
    assert CANARY not in json.dumps(items, default=str)
    people.of("employees").delete(user)


def test_what_a_function_prints_is_all_that_is_printed(
    stage: Stage, externals: wiring.Externals, capfd: pytest.CaptureFixture[str]
) -> None:
    """Lambda writes that into the log group: docs/run/security.md says so."""

    def printing(_: str, password: str, __: SimpleNamespace) -> None:
        print(password)  # noqa: T201 (a careless function)

    with client_with_legacy(stage, externals, printing) as http:
        answer = http.login(username=EMAIL, password=CANARY)

    assert answer.status_code == 400
    assert capfd.readouterr().out.count(CANARY) == 1
    assert CANARY not in json.dumps(http.log)


def assert_unseen(http: Http, answer: str, captured: pytest.CaptureFixture[str]) -> None:
    """Hunt in the log, in an answer, and in all that was printed."""
    assert http.log, "there is something to hunt in"
    printed = captured.readouterr()
    assert CANARY not in json.dumps(http.log) + answer + printed.out + printed.err
