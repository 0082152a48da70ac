"""`gatehouse migrate` brings the stage of the revision before over, while logins go on."""

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from chalicelib.store.aws.caller import AwsRefused
from chalicelib.store.schema import SCHEMA
from infra.errors import NotReady, OperatorError
from infra.stage.keys import data_key_changes
from infra.stage.logs.audit_log import audit_log_changes
from infra.stage.migration.migrate import Migration, is_due
from infra.stage.migration.old_items import Kind
from infra.stage.migration.upgrades import PAUSES_S
from tests.cli.conftest import Gatehouse
from tests.support.function_aws import Ask, around_calls
from tests.support.http import Http
from tests.support.threads import at_once
from tests.upgrade.conftest import OFFLINE
from tests.upgrade.filled import TABLES, Filled, fill

THROTTLED = "ProvisionedThroughputExceededException"
Contents = dict[tuple[str, str, str], Mapping[str, Any]]


@pytest.fixture
def filled(stage: object) -> Filled:
    """The stage of before, once `gatehouse up` has made its multi-Region key and its audit log."""
    filled = fill()
    data_key_changes(filled.stage, dry_run=False)
    audit_log_changes(filled.stage, dry_run=False)
    return filled


@pytest.fixture
def command(filled: Filled, tmp_path: Path) -> Gatehouse:
    return Gatehouse(filled.stage, tmp_path)


def contents(filled: Filled) -> Contents:
    """Return all items by table and key, without the data keys: KMS seals no two times alike."""
    return {
        (table, item["pk"]["S"], item.get("sk", {}).get("S", "")): {
            name: value for name, value in item.items() if name not in ("data_key", "document")
        }
        for table in TABLES
        for item in filled.items(table)
    }


def test_every_item_has_the_schema_and_the_second_run_finds_nothing(filled: Filled, command: Gatehouse) -> None:
    ran = command.run("migrate", "--json")
    again = command.run("migrate")

    counts = json.loads(ran.out)["items"]
    assert (ran.code, ran.err) == (0, "")
    assert {name for name, number in counts.items() if number} == {kind.value for kind in Kind}
    assert {key for key, item in contents(filled).items() if item.get("schema") != {"N": str(SCHEMA)}} == set()
    assert (again.code, again.out) == (0, "Stage before: nothing to migrate.\n")
    assert not is_due(filled.stage)


def test_dry_run_counts_the_same_and_writes_nothing(filled: Filled, command: Gatehouse) -> None:
    before = contents(filled)
    planned = command.run("migrate", "--dry-run", "--json")

    assert contents(filled) == before
    assert is_due(filled.stage)
    done = command.run("migrate", "--json")
    assert json.loads(planned.out)["items"] == json.loads(done.out)["items"]
    assert (json.loads(planned.out)["dry_run"], json.loads(done.out)["dry_run"]) == (True, False)


def test_counts_are_rows(command: Gatehouse) -> None:
    ran = command.run("migrate", "--dry-run")

    assert ran.rows[0] == ["Stage", "before", "would", "bring", "over"]
    assert "people" in [row[0] for row in ran.rows]


def test_stage_without_its_new_data_key_says_to_run_up(stage: object, tmp_path: Path) -> None:
    filled = fill()
    audit_log_changes(filled.stage, dry_run=False)
    before = contents(filled)
    ran = Gatehouse(filled.stage, tmp_path).run("migrate")

    assert (ran.code, ran.out) == (2, "")
    assert "Run `gatehouse up`" in ran.err
    assert contents(filled) == before
    with pytest.raises(NotReady):
        Migration(filled.stage).run()


def test_interrupted_runs_lead_to_what_one_run_does(stage: object) -> None:
    whole, chance = _migrated(), random.Random(14)  # noqa: S311 (it chooses where a test stops)
    for _ in range(8):
        filled = fill()
        data_key_changes(filled.stage, dry_run=False)
        stops = 0
        while _is_stopped(filled, chance.randrange(1, 60)):
            stops += 1

        assert stops
        assert contents(filled) == whole
        assert not is_due(filled.stage)


def _migrated() -> Contents:
    filled = fill()
    data_key_changes(filled.stage, dry_run=False)
    Migration(filled.stage).run()
    return contents(filled)


class Stopped(Exception):
    """The run ends here."""


def _is_stopped(filled: Filled, after: int) -> bool:
    """Run until so many calls of AWS were made; return whether the run was stopped there."""
    calls = 0

    def around(operation: str, parameters: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        if calls > after:
            raise Stopped
        return ask()

    try:
        with around_calls(filled.stage, around):
            Migration(filled.stage).run()
    except Stopped:
        return True
    return False


def test_people_log_in_and_refresh_while_it_runs(filled: Filled, http: Http) -> None:
    people = [filled.said[name] for name in ("plain", "imported", "odd", "shared-customers")]
    ended, answers = Event(), list[int]()

    def act(number: int) -> None:
        if number == 0:
            Migration(filled.stage).run()
            ended.set()
            return
        said, is_last = people[number - 1], False
        token = said["refresh_token"]
        while not is_last:
            is_last = ended.is_set()
            login = http.realm_login(said["realm"], username=said["name"], password=said["password"], scope=OFFLINE)
            refresh = http.refresh(token)
            token = refresh.json().get("refresh_token", "")
            answers.extend((login.status_code, refresh.status_code))

    at_once(1 + len(people), act)

    assert len(answers) >= 2 * len(people)
    assert set(answers) == {200}
    assert not Migration(filled.stage).count()


def test_run_yields_to_an_aws_that_throttles(filled: Filled) -> None:
    refusals, pauses = 5, list[float]()

    def around(operation: str, parameters: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        nonlocal refusals
        if operation in ("Scan", "TransactWriteItems") and "sessions" in str(parameters) and refusals:
            refusals -= 1
            raise AwsRefused(THROTTLED, {}, 400)
        return ask()

    with around_calls(filled.stage, around):
        Migration(replace(filled.stage, pause=pauses.append)).run()

    assert len(pauses) == 5
    assert set(pauses) <= set(PAUSES_S)
    assert not Migration(filled.stage).count()


def test_function_of_before_that_still_writes_is_said(filled: Filled) -> None:
    old = filled.items("attempts")[0]

    def around(operation: str, parameters: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        if operation == "Scan":
            filled.put("attempts", [old])
        return ask()

    with around_calls(filled.stage, around), pytest.raises(OperatorError, match="gatehouse deploy"):
        Migration(filled.stage).run()

    assert is_due(filled.stage)
