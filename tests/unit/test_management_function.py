"""The Management API is a function of its own: the function of logins neither imports it nor may do what it may."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import app

PROJECT = Path(__file__).parents[2]
STAGES = pytest.mark.parametrize("stage", ["dev", "prod"])
# What logins need none of.
MANAGEMENTS_OWN = {
    "pydantic",
    "chalicelib.flows.management",
    "chalicelib.http.management",
    "chalicelib.wiring.management",
}
# Nor of these, which have functions of their own.
OF_OTHERS = {f"chalicelib.wiring.{name}" for name in ("events", "help_desk", "rotation")}
IMPORTED = "import app, json, sys; print(json.dumps(list(sys.modules)))"


def actions(stage: str, function: str = "") -> set[tuple[str, str]]:
    """Return the actions of a function's policy, each with its resource."""
    policy = json.loads((PROJECT / ".chalice" / f"policy-{stage}{function}.json").read_text("utf-8"))
    statements: list[dict[str, Any]] = policy["Statement"]
    return {
        (action, resource)
        for statement in statements
        for action in statement["Action"]
        for resource in statement.get("Resource", ["numbers"])
    }


def test_import_of_the_app_imports_nothing_of_the_other_functions() -> None:
    ran = subprocess.run([sys.executable, "-c", IMPORTED], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert {name for name in json.loads(ran.stdout.splitlines()[-1]) if name in MANAGEMENTS_OWN | OF_OTHERS} == set()


@STAGES
def test_function_of_logins_may_neither_list_the_configuration_nor_change_it(stage: str) -> None:
    config = f"arn:aws:dynamodb:*:*:table/gatehouse-{stage}-config"

    assert {action for action, resource in actions(stage) if resource == config} == {
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
    }
    assert ("dynamodb:Scan", config) in actions(stage, "-management")


@STAGES
def test_function_of_the_management_api_signs_nothing_and_sends_nothing(stage: str) -> None:
    assert {action for action, _ in actions(stage, "-management")} & {
        "kms:Sign",
        "ses:SendEmail",
        "sns:Publish",
    } == set()


def test_function_is_where_lambda_looks_for_it() -> None:
    assert [(one.name, one.handler_string) for one in app.app.pure_lambda_functions] == [
        ("management", "app.management"),
        ("events", "app.events"),
        ("help_desk", "app.help_desk"),
    ]
    assert all(map(callable, (app.management, app.events, app.help_desk)))
