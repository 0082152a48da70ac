"""docs/run/security.md names what a stage stores, for how long, and which function may read and write it."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]  # has no types

from chalicelib.store.configuration.events_secret import SECRET
from chalicelib.store.configuration.rule_settings import RULE_SETTINGS
from chalicelib.store.configuration.vault import STAGE_KEY
from infra.stage.logs.audit_log import RETENTION_DAYS
from infra.stage.provision import SECTIONS, SINGLE
from tests.support.stored_kinds import kinds_of_the_page

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "run" / "security.md").read_text("utf-8")
STORED = kinds_of_the_page()
RESOURCES: dict[str, Any] = {
    name: one
    for file in ("stage.yaml", "realm.yaml")
    for name, one in cfn_yaml.load(str(PROJECT / "infra" / "stage" / file))["Resources"].items()
}
READS = {"BatchGetItem", "GetItem", "Query", "Scan"}
WRITES = {"DeleteItem", "PutItem", "UpdateItem"}
TABLES = ("config", "users", "sessions", "attempts")
OF_KMS = {"kms:CreateKey": "makes", "kms:Decrypt": "opens", "kms:GenerateDataKey": "seals", "kms:Sign": "signs"}
FUNCTIONS = ("", "-management", "-tell_blocked", "-rotate_keys", "-events", "-help_desk")


def of_type(kind: str) -> list[dict[str, Any]]:
    return [one["Properties"] for one in RESOURCES.values() if one["Type"] == kind]


def prefixes() -> set[str]:
    """Return the beginnings of keys that the deployed code writes, from its texts."""
    sources = (path.read_text("utf-8") for path in (PROJECT / "chalicelib").rglob("*.py"))
    return {found for text in sources for found in re.findall(r"(?<!`)\"([a-z_-]+#)(?=[{\"]|codes)", text)}


def test_each_kind_of_item_stands_in_the_page_and_no_other_does() -> None:
    found = prefixes()

    assert {"cred#", "family#", "account#", "jti#", "sign-up#"} <= found
    assert {kind for kinds in STORED.values() for kind in kinds if kind.endswith("#")} == found


def test_each_document_of_the_configuration_stands_in_the_page() -> None:
    single = {*SINGLE, "keys", STAGE_KEY, SECRET, RULE_SETTINGS}

    assert {kind for kind in STORED["config"] if not kind.endswith("#")} == single
    assert {*SECTIONS} <= STORED["config"]


def test_each_table_of_the_stage_stands_in_the_page() -> None:
    names = {one["TableName"]["Fn::Sub"].partition("${Stage}-")[2] for one in of_type("AWS::DynamoDB::Table")}

    assert names == {"config", "sessions", "attempts", "users-${Realm}"}
    assert [*STORED] == ["config", "users-REALM", "sessions", "attempts"]


def test_each_table_is_encrypted_and_can_be_restored() -> None:
    for table in of_type("AWS::DynamoDB::Table"):
        assert table["SSESpecification"] == {"SSEEnabled": True}
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert "encrypted at rest" in PAGE


def test_each_log_group_of_the_stage_stands_in_the_page() -> None:
    groups = of_type("AWS::Logs::LogGroup")
    access, *functions = sorted(
        (one["LogGroupName"]["Fn::Sub"] for one in groups), key=lambda name: name.startswith("/aws/lambda/")
    )
    suffixes = [name.removeprefix("/aws/lambda/gatehouse-${Stage}") for name in functions]

    assert sorted(suffixes) == sorted(FUNCTIONS)
    assert access == "/gatehouse/${Stage}/access"
    assert re.search(r"^\| `/gatehouse/STAGE/access` \|.*\| 90 days \|", PAGE, re.MULTILINE)
    assert {one["RetentionInDays"] for one in groups} == {90}
    row = next(line for line in PAGE.splitlines() if line.startswith("| `/aws/lambda/gatehouse-STAGE`"))
    assert all(f"`{suffix}`" in row for suffix in suffixes if suffix)
    assert "| 90 days |" in row
    assert re.search(rf"^\| `/gatehouse/STAGE/audit` \|.*\| {RETENTION_DAYS} days \|", PAGE, re.MULTILINE)


def test_queue_of_events_stands_in_the_page_with_its_days() -> None:
    (queue,) = of_type("AWS::SQS::Queue")

    days = int(queue["MessageRetentionPeriod"]) // 86_400
    assert queue["QueueName"]["Fn::Sub"] == "gatehouse-${Stage}-events"
    assert re.search(rf"^\| the queue `gatehouse-STAGE-events` of SQS \|.*\| {days} days", PAGE, re.MULTILINE)


def granted(policy: list[dict[str, Any]], table: str) -> str:
    """Return in the words of the page what a policy lets a function do with the items of a table."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in policy:
        if any(f"table/gatehouse-prod-{table}" in arn for arn in one.get("Resource", [])):
            keys = one.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", ["all"])
            actions = {action.removeprefix("dynamodb:") for action in one["Action"]}
            assert actions <= READS | WRITES
            for word, those in (("reads", READS), ("writes", WRITES)):
                found[word] |= {*keys} if actions & those else set()
    words = {
        word: "all" if "all" in keys else ", ".join(f"`{key.removesuffix('*')}`" for key in sorted(keys))
        for word, keys in found.items()
        if keys
    }
    return "; ".join(f"{word} {words[word]}" for word in ("reads", "writes") if word in words) or "-"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_page_says_what_each_function_may_read_and_write(function: str) -> None:
    file = PROJECT / ".chalice" / f"policy-prod{function}.json"
    policy = json.loads(file.read_text("utf-8"))["Statement"]
    (row,) = re.findall(rf"^\| `gatehouse-STAGE{function}` \| (.*) \|$", PAGE, re.MULTILINE)

    *cells, kms = row.split(" | ")
    actions = {action for one in policy for action in one["Action"]}
    assert cells == [granted(policy, table) for table in TABLES]
    assert {word for word in OF_KMS.values() if word in kms} == {OF_KMS[one] for one in actions if one in OF_KMS}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_may_read_or_change_logs(function: str) -> None:
    policy = json.loads((PROJECT / ".chalice" / f"policy-prod{function}.json").read_text("utf-8"))["Statement"]
    actions = {action for one in policy for action in one["Action"] if action.startswith("logs:")}

    assert actions == {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_every_function_that_has_a_policy_stands_in_the_page() -> None:
    files = {path.stem.removeprefix("policy-prod") for path in (PROJECT / ".chalice").glob("policy-prod*.json")}

    assert files == {*FUNCTIONS}
