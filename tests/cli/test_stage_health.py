"""`gatehouse up` and `apply` on a stage that is not as it should be: status decides, not existence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.kms.models import kms_backends

from chalicelib.store.configuration.vault import data_key_alias
from infra.local.emulated_aws import REGION
from tests.cli.account import holdings, table_names
from tests.cli.conftest import Gatehouse
from tests.cli.failed_stacks import fail, moto_stack
from tests.support.tenant_documents import small_document


def status_of(gatehouse: Gatehouse, name: str) -> str:
    return str(holdings(gatehouse.stage)["stacks"][name][0])


# Failed creations


@pytest.mark.parametrize("realm", ["", "staff"])
@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"])
def test_failed_creation_is_said_with_its_reason_and_made_again(gatehouse: Gatehouse, status: str, realm: str) -> None:
    gatehouse.up(small_document())
    stack = moto_stack(gatehouse, realm)
    fail(stack, status)
    ran = gatehouse.up(small_document())

    assert (ran.code, ran.err) == (0, "")
    assert ["recreate", "stack", stack.name, "its", "creation", "failed:", status] in ran.rows
    reason = "TheTable (AWS::DynamoDB::Table): Table already exists, or the account has reached a limit"
    assert reason in [line.strip() for line in ran.out.splitlines()]
    assert "cancelled" not in ran.out
    assert status_of(gatehouse, stack.name) == "CREATE_COMPLETE"
    assert moto_stack(gatehouse, realm).stack_id != stack.stack_id
    assert gatehouse.up(small_document()).out.endswith("nothing to change.\n")


def test_dry_run_of_a_failed_creation_changes_nothing(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    fail(moto_stack(gatehouse), "ROLLBACK_COMPLETE")
    before = holdings(gatehouse.stage)
    ran = gatehouse.up(small_document(), "--dry-run")

    assert (ran.code, ran.rows[1][:2]) == (0, ["recreate", "stack"])
    assert holdings(gatehouse.stage) == before


def test_stack_that_was_only_proposed_is_made(gatehouse: Gatehouse) -> None:
    name = f"gatehouse-{gatehouse.stage.name}"
    gatehouse.stage.cloudformation.create_change_set(
        StackName=name, ChangeSetName="gatehouse-up-0", ChangeSetType="CREATE", TemplateBody="{Resources: {}}"
    )
    ran = gatehouse.up(small_document())

    assert (ran.code, ran.rows[2][:3]) == (0, ["recreate", "stack", name])
    assert status_of(gatehouse, name) == "CREATE_COMPLETE"


def test_table_with_people_in_it_is_never_deleted_with_a_failed_creation(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document())
    gatehouse.run("users", "add", "--realm", "staff", "--username", "pat", "--password-stdin", typed="pats password 1")
    fail(moto_stack(gatehouse, "staff"), "ROLLBACK_COMPLETE")
    before = holdings(gatehouse.stage)
    ran = gatehouse.up(small_document())

    assert ran.code == 1
    assert f"table {gatehouse.stage.prefix}users-staff holds something" in ran.err
    assert holdings(gatehouse.stage) == before


def test_protected_empty_table_of_a_failed_creation_is_deleted_with_it(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    table = f"{gatehouse.stage.prefix}users-staff"
    gatehouse.stage.clients.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
    made = gatehouse.stage.clients.dynamodb.describe_table(TableName=table)["Table"]["CreationDateTime"]
    fail(moto_stack(gatehouse, "staff"), "ROLLBACK_FAILED")

    assert gatehouse.up(small_document()).code == 0
    assert gatehouse.stage.clients.dynamodb.describe_table(TableName=table)["Table"]["CreationDateTime"] > made


# Failures that an operator mends


@pytest.mark.parametrize("command", ["up", "apply"])
@pytest.mark.parametrize(
    ("status", "mend"),
    [
        ("DELETE_FAILED", "aws cloudformation delete-stack --stack-name"),
        ("UPDATE_FAILED", "aws cloudformation rollback-stack --stack-name"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name"),
        ("IMPORT_ROLLBACK_FAILED", "aws cloudformation describe-stack-events --stack-name"),
    ],
)
def test_stack_that_cannot_be_used_ends_with_its_reason_and_the_mend(
    gatehouse: Gatehouse, status: str, mend: str, command: str
) -> None:
    gatehouse.provision(small_document())
    stack = moto_stack(gatehouse, "staff")
    fail(stack, status)
    before = holdings(gatehouse.stage)
    ran = getattr(gatehouse, command)(small_document())

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[:2] == [
        f"stack {stack.name} is {status}",
        "TheTable (AWS::DynamoDB::Table): Table already exists, or the account has reached a limit",
    ]
    assert f"{mend} {stack.name}" in ran.err
    assert holdings(gatehouse.stage) == before


@pytest.mark.parametrize(
    "status", ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"]
)
def test_stack_that_cloudformation_works_on_is_said_and_left_alone(gatehouse: Gatehouse, status: str) -> None:
    gatehouse.up(small_document())
    moto_stack(gatehouse).status = status
    ran = gatehouse.up(small_document())

    said = (
        f"stack gatehouse-{gatehouse.stage.name} is {status}: wait until CloudFormation has ended, then run up again.\n"
    )
    assert (ran.code, ran.out, ran.err) == (1, "", said)


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"])
def test_stack_that_can_be_used_has_nothing_to_change(gatehouse: Gatehouse, status: str) -> None:
    gatehouse.up(small_document())
    moto_stack(gatehouse).status = status

    assert gatehouse.up(small_document()).out.endswith("nothing to change.\n")


# Drift


@pytest.mark.parametrize("command", ["up", "apply"])
@pytest.mark.parametrize("part", ["config", "sessions", "attempts", "users-staff"])
def test_table_that_was_deleted_by_hand_is_found_with_the_way_back(
    gatehouse: Gatehouse, part: str, command: str
) -> None:
    gatehouse.provision(small_document())
    table = f"{gatehouse.stage.prefix}{part}"
    gatehouse.stage.clients.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    gatehouse.stage.clients.dynamodb.delete_table(TableName=table)
    ran = getattr(gatehouse, command)(small_document())

    assert (ran.code, ran.out) == (1, "")
    assert f"table {table} of stack " in ran.err
    assert f"restore-table-from-backup --target-table-name {table}" in ran.err
    assert ("delete-stack" in ran.err) == (part == "users-staff")
    assert ("If `gatehouse restore` was interrupted, run it again." in ran.err) == (part == "users-staff")
    assert table not in table_names(gatehouse.stage)


def test_realm_whose_table_was_lost_gets_an_empty_one_by_what_up_says(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document())
    table = f"{gatehouse.stage.prefix}users-staff"
    gatehouse.stage.clients.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    gatehouse.stage.clients.dynamodb.delete_table(TableName=table)
    gatehouse.stage.cloudformation.delete_stack(StackName=moto_stack(gatehouse, "staff").name)

    assert gatehouse.up(small_document()).code == 0
    assert table in table_names(gatehouse.stage)


@contextmanager
def changed(gatehouse: Gatehouse, arn: str, state: str) -> Iterator[None]:
    """Bring a key into a state, and back."""
    keys = kms_backends[DEFAULT_ACCOUNT_ID][REGION].keys
    key = keys[arn.rpartition("/")[2]]
    if state == "Deleted":
        del keys[key.id]
    else:
        key.key_state = state
    yield
    key.key_state = "Enabled"
    keys[key.id] = key


@pytest.mark.parametrize("command", ["up", "apply"])
@pytest.mark.parametrize(
    ("state", "said", "mend"),
    [
        ("Disabled", "is disabled in KMS", "aws kms enable-key --key-id {arn}"),
        ("PendingDeletion", "is about to be deleted in KMS", "aws kms cancel-key-deletion --key-id {arn} && "),
        ("Unavailable", "is Unavailable in KMS", "aws kms describe-key --key-id {arn}"),
        ("Deleted", "was deleted in KMS", "gatehouse keys rotate --stage {stage}"),
    ],
)
def test_signing_key_that_cannot_sign_is_found_with_the_mend(
    gatehouse: Gatehouse, state: str, said: str, mend: str, command: str
) -> None:
    gatehouse.provision(small_document())
    key = gatehouse.stage.config().keys().keys[0]
    with changed(gatehouse, key.key_arn, state):
        ran = getattr(gatehouse, command)(small_document())

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"the current RS256 key {key.kid} {said}")
    assert mend.format(arn=key.key_arn, stage=gatehouse.stage.name) in ran.err
    assert getattr(gatehouse, command)(small_document()).code == 0


@pytest.mark.parametrize(("state", "said"), [("Disabled", "enable-key"), ("PendingDeletion", "cancel-key-deletion")])
def test_data_key_that_cannot_open_is_found_with_the_mend(gatehouse: Gatehouse, state: str, said: str) -> None:
    gatehouse.provision(small_document())
    kms = gatehouse.stage.clients.kms
    arn = kms.describe_key(KeyId=data_key_alias(gatehouse.stage.name))["KeyMetadata"]["Arn"]
    with changed(gatehouse, arn, state):
        ran = gatehouse.up(small_document())

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("the data key is ")
    assert f"aws kms {said} --key-id {arn}" in ran.err


def test_alias_that_was_deleted_by_hand_is_given_to_the_same_data_key(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document())
    kms, alias = gatehouse.stage.clients.kms, data_key_alias(gatehouse.stage.name)
    before = kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"]
    kms.delete_alias(AliasName=alias)

    assert gatehouse.up(small_document()).code == 0
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"] == before


def test_apply_of_a_known_realm_whose_stack_is_gone_says_run_up(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document())
    table = f"{gatehouse.stage.prefix}users-staff"
    gatehouse.stage.cloudformation.delete_stack(StackName=moto_stack(gatehouse, "staff").name)
    gatehouse.stage.clients.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    gatehouse.stage.clients.dynamodb.delete_table(TableName=table)
    ran = gatehouse.apply(small_document())

    assert ran.code == 2
    assert "missing: the table of realm staff" in ran.err


def test_apply_to_a_stage_that_was_made_before_there_was_a_stage_key_says_run_up(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document())
    gatehouse.stage.config().delete("stage_key")
    ran = gatehouse.apply(small_document())

    assert ran.code == 2
    assert "missing: the stage key" in ran.err
    assert (gatehouse.up(small_document()).code, gatehouse.apply(small_document()).code) == (0, 0)


def test_log_group_that_holds_logs_is_never_deleted_with_a_failed_creation(gatehouse: Gatehouse) -> None:
    gatehouse.up(small_document())
    group = f"/aws/lambda/gatehouse-{gatehouse.stage.name}"
    boto3.client("logs").create_log_stream(logGroupName=group, logStreamName="one")
    fail(moto_stack(gatehouse), "ROLLBACK_COMPLETE")
    ran = gatehouse.up(small_document())

    assert ran.code == 1
    assert f"log group {group} holds something" in ran.err


def test_faults_are_said_all_at_once(gatehouse: Gatehouse) -> None:
    gatehouse.provision(small_document())
    fail(moto_stack(gatehouse, "staff"), "UPDATE_ROLLBACK_FAILED")
    key: Any = gatehouse.stage.config().keys().keys[0]
    with changed(gatehouse, key.key_arn, "Disabled"):
        ran = gatehouse.up(small_document())

    assert "UPDATE_ROLLBACK_FAILED" in ran.err
    assert "is disabled in KMS" in ran.err
