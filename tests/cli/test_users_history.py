"""`gatehouse users history`: the changes of a person's second factors, as the commands and the API made them."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.stage.aws import Stage
from tests.cli.conftest import Gatehouse
from tests.support.people import PeopleMaker

EMPLOYEES = ("--realm", "employees")


@pytest.fixture
def shown(stage: Stage, tmp_path: Path) -> Any:
    """Runs the command for a person, and returns its JSON."""
    gatehouse = Gatehouse(stage, tmp_path)
    return lambda who: json.loads(gatehouse.run("users", "history", who, *EMPLOYEES, "--json").out)


def test_person_without_second_factors_has_an_empty_history(shown: Any, people: PeopleMaker) -> None:
    assert shown(people.make().username) == []


def test_commands_leave_a_line_for_each_change(stage: Stage, tmp_path: Path, shown: Any, people: PeopleMaker) -> None:
    user, gatehouse = people.make(), Gatehouse(stage, tmp_path)
    gatehouse.run("users", "mfa", "enroll", user.username, *EMPLOYEES)
    gatehouse.run("users", "mfa", "reset", user.username, *EMPLOYEES, "--yes")
    changes = shown(user.username)
    table = gatehouse.run("users", "history", user.email, *EMPLOYEES)

    assert [(one["action"], one["kind"], one["name"]) for one in changes] == [
        ("added", "otp", ""),
        ("removed", "otp", ""),
    ]
    assert [row[2:4] for row in table.rows[1:]] == [["added", "otp"], ["removed", "otp"]]


def test_unknown_person_is_refused(stage: Stage, tmp_path: Path) -> None:
    ran = Gatehouse(stage, tmp_path).run("users", "history", "nobody-at-all", *EMPLOYEES)

    assert (ran.code, ran.err) == (2, "Realm employees has no user nobody-at-all.\n")
