"""`gatehouse up`: a stage's stacks and keys, made once, changed through change sets."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.stage.aws import Stage, reach
from infra.stage.cloudformation.stacks import Stack, stack_changes, stage_stacks
from tests.cli.account import holdings, stack_names, table_names
from tests.cli.conftest import Gatehouse
from tests.support.tenant_documents import small_document, write

ES256_API = {"identifier": "https://api.example.com/es", "name": "Es", "signing_alg": "ES256"}
NEW_REALM = {"name": "guests", "identifiers": ["email"]}


def two_realms() -> dict[str, Any]:
    document = small_document()
    return document | {"realms": [*document["realms"], NEW_REALM]}


def two_algs() -> dict[str, Any]:
    document = small_document()
    return document | {"apis": [*document["apis"], ES256_API]}


def algs(gatehouse: Gatehouse) -> tuple[str, ...]:
    return gatehouse.stage.config().keys().algs


def test_first_up_makes_stacks_tables_and_keys(gatehouse: Gatehouse) -> None:
    name = gatehouse.stage.name
    ran = gatehouse.up(small_document())

    assert (ran.code, ran.err) == (0, "")
    assert ran.rows == [
        ["Stage", name, "changes"],
        ["create", "log", "group", f"/gatehouse/{name}/audit", "kept", "for", "400", "days"],
        ["create", "stack", f"gatehouse-{name}"],
        ["create", "stack", f"gatehouse-{name}-realm-staff"],
        ["create", "RS256", "signing", "key", "RSA_2048"],
        ["create", "data", "key", f"alias/gatehouse-{name}-data-mrk"],
        ["create", "stage", "key", "sealed", "by", "the", "data", "key"],
        ["create", "stack", f"gatehouse-{name}-alarms"],
        ["Done."],
        ["For", "the", "role", "of", "a", "help", "desk:", help_desk_policy(name)],
    ]
    parts = ["attempts", "config", "sessions", "users-staff"]
    assert table_names(gatehouse.stage) == [f"{gatehouse.stage.prefix}{part}" for part in parts]
    assert {status for status, _ in holdings(gatehouse.stage)["stacks"].values()} == {"CREATE_COMPLETE"}


def test_signing_key_is_one_of_kms_with_the_tag_that_the_policy_asks_for(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    key = gatehouse.stage.config().keys().current("RS256")

    assert key
    tags = gatehouse.stage.clients.kms.list_resource_tags(KeyId=key.key_arn)["Tags"]
    assert tags == [{"TagKey": "gatehouse-stage", "TagValue": gatehouse.stage.name}]


def help_desk_policy(stage: str) -> str:
    return f"arn:aws:iam::123456789012:policy/gatehouse-{stage}-help-desk-eu-west-1"


def test_second_up_has_nothing_to_change(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    before = holdings(gatehouse.stage)
    ran = gatehouse.up(small_document())

    assert (ran.code, ran.out) == (0, f"Stage {gatehouse.stage.name} changes: nothing to change.\n")
    assert holdings(gatehouse.stage) == before


def test_dry_run_on_an_empty_account_shows_everything_and_makes_nothing(
    aws: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No other test has anything in this region.
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    gatehouse = Gatehouse(reach("first"), tmp_path)
    dry = gatehouse.up(small_document(), "--dry-run")

    assert (dry.code, dry.rows[0]) == (0, ["Stage", "first", "would", "change"])
    assert holdings(gatehouse.stage) == {"tables": {}, "stacks": {}, "change sets": [], "keys": []}
    assert dry.rows[1:] == gatehouse.up(small_document()).rows[1:-2]


def test_dry_run_of_a_new_realm_and_key_changes_nothing(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    before = holdings(gatehouse.stage)
    ran = gatehouse.up(two_realms() | {"apis": two_algs()["apis"]}, "--dry-run")

    assert ran.rows[1:] == [
        ["create", "stack", f"gatehouse-{gatehouse.stage.name}-realm-guests"],
        ["create", "ES256", "signing", "key", "ECC_NIST_P256"],
    ]
    assert holdings(gatehouse.stage) == before


def test_new_realm_touches_only_its_own_stack_and_table(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    before = holdings(gatehouse.stage)
    gatehouse.up(two_realms())
    after = holdings(gatehouse.stage)

    assert set(after["stacks"]) - set(before["stacks"]) == {f"gatehouse-{gatehouse.stage.name}-realm-guests"}
    assert set(after["tables"]) - set(before["tables"]) == {f"{gatehouse.stage.prefix}users-guests"}
    assert {name: after["stacks"][name] for name in before["stacks"]} == before["stacks"]
    assert {name: after["tables"][name] for name in before["tables"]} == before["tables"]
    assert after["keys"] == before["keys"]


def test_realm_that_left_the_file_keeps_its_stack(gatehouse: Gatehouse) -> None:
    gatehouse.up(two_realms())
    ran = gatehouse.up(small_document())

    assert ran.out.endswith("nothing to change.\n")
    assert f"gatehouse-{gatehouse.stage.name}-realm-guests" in stack_names(gatehouse.stage)


def test_es256_key_is_made_only_when_an_api_wants_it(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    assert algs(gatehouse) == ("RS256",)
    first = gatehouse.stage.config().keys().current("RS256")

    gatehouse.up(two_algs())
    assert algs(gatehouse) == ("RS256", "ES256")
    assert gatehouse.stage.config().keys().current("RS256") == first


def test_faulty_file_is_refused_line_by_line_before_anything_is_made(gatehouse: Gatehouse) -> None:
    document = small_document(realms=[{"name": "Staff!", "identifiers": []}])
    path = write(gatehouse.directory, document)
    ran = gatehouse.up(document)

    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) > 1
    assert all(line.startswith(f"{path}:") for line in ran.err.splitlines())
    assert table_names(gatehouse.stage) == []


ONE_MORE = """
  OneMore:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !Sub "/one-more/${Stage}"
"""


def edited(gatehouse: Gatehouse, added: str) -> Stack:
    """Return the stage's own stack with a template that has more at its end."""
    own, *_ = stage_stacks(gatehouse.stage.name, [])
    return replace(own, template=own.template + added)


def test_changed_template_is_shown_by_a_dry_run_that_leaves_no_change_set(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    before = holdings(gatehouse.stage)
    (change,) = stack_changes(gatehouse.stage, edited(gatehouse, ONE_MORE), dry_run=True)

    assert (change.action, change.what) == ("update", f"stack gatehouse-{gatehouse.stage.name}")
    assert change.detail == "add OneMore"
    assert holdings(gatehouse.stage) == before


def test_changed_template_updates_the_stack_through_a_change_set(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    stack = edited(gatehouse, ONE_MORE)
    change_sets = len(holdings(gatehouse.stage)["change sets"])

    assert len(stack_changes(gatehouse.stage, stack, dry_run=False)) == 1
    after = holdings(gatehouse.stage)
    assert after["stacks"][stack.name] == ("UPDATE_COMPLETE", stack.template)
    assert len(after["change sets"]) == change_sets + 1
    assert stack_changes(gatehouse.stage, stack, dry_run=False) == []


@pytest.mark.parametrize("dry_run", [True, False])
def test_edit_of_a_comment_is_no_change_and_leaves_no_change_set(gatehouse: Gatehouse, dry_run: bool) -> None:
    gatehouse.up(small_document())
    before = holdings(gatehouse.stage)

    assert stack_changes(gatehouse.stage, edited(gatehouse, "# A comment.\n"), dry_run) == []
    assert holdings(gatehouse.stage) == before
