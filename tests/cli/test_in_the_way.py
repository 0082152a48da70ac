"""Tables and log groups that a deleted stack left: `up` says what they are in the way of, and makes nothing."""

from pathlib import Path
from typing import Any

import pytest

from infra.stage.cloudformation.stack_status import Unsound
from infra.stage.cloudformation.stacks import stage_stacks
from infra.stage.provision import up
from infra.tenant.file import load
from tests.cli.account import holdings, table_names
from tests.cli.conftest import Gatehouse
from tests.cli.failed_stacks import moto_stack
from tests.support.tenant_documents import small_document, write


def delete_stack(own: Gatehouse, realm: str = "") -> None:
    own.stage.cloudformation.delete_stack(StackName=moto_stack(own, realm).name)


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_table_that_a_deleted_stack_left_is_said_with_what_to_do(own: Gatehouse, options: tuple[str, ...]) -> None:
    delete_stack(own, "staff")
    table = f"{own.stage.prefix}users-staff"
    before = holdings(own.stage)
    ran = own.up(small_document(), *options)

    assert (ran.code, ran.out) == (1, "")
    said, mend = ran.err.splitlines()
    assert said == (
        f"table {table} is in the way of stack gatehouse-{own.stage.name}-realm-staff, which was deleted and left it."
    )
    assert "To keep it, import it into a stack of that name." in mend
    assert mend.endswith(
        f"update-table --table-name {table} --no-deletion-protection-enabled && "
        f"aws dynamodb delete-table --table-name {table}"
    )
    assert holdings(own.stage) == before


def test_all_that_is_in_the_way_is_said_at_once(own: Gatehouse) -> None:
    delete_stack(own)
    said = own.up(small_document()).err

    for table in ("config", "sessions", "attempts"):
        assert f"table {own.stage.prefix}{table} is in the way" in said
    for group in ("", "-tell_blocked", "-rotate_keys", "-management", "-events", "-help_desk"):
        assert f"log group /aws/lambda/gatehouse-{own.stage.name}{group} is in the way" in said
    assert "users-staff" not in said


def test_up_goes_on_once_the_way_is_free(own: Gatehouse) -> None:
    delete_stack(own, "staff")
    table = f"{own.stage.prefix}users-staff"
    dynamodb = own.stage.clients.dynamodb
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=table)

    assert own.up(small_document()).code == 0
    assert table in table_names(own.stage)


def test_table_that_a_proposed_stack_would_make_is_in_the_way_too(own: Gatehouse) -> None:
    name = moto_stack(own, "staff").name
    delete_stack(own, "staff")
    own.stage.cloudformation.create_change_set(
        StackName=name, ChangeSetName="gatehouse-up-0", ChangeSetType="CREATE", TemplateBody="{Resources: {}}"
    )

    assert "is in the way of stack" in own.up(small_document()).err


def test_names_in_a_template_are_those_of_what_it_makes(own: Gatehouse) -> None:
    stacks = stage_stacks(own.stage.name, ["staff"])

    assert sorted(name for stack in stacks for name in stack.tables) == table_names(own.stage)


@pytest.mark.parametrize("status", ["CREATING", "ARCHIVED", "INACCESSIBLE_ENCRYPTION_CREDENTIALS"])
def test_table_that_does_not_serve_is_said(own: Gatehouse, status: str) -> None:
    table = f"{own.stage.prefix}config"

    def answer(parsed: Any, **_: object) -> None:
        if parsed["Table"]["TableName"] == table:
            parsed["Table"]["TableStatus"] = status

    events = own.stage.clients.dynamodb.meta.events
    events.register("after-call.dynamodb.DescribeTable", answer)
    with pytest.raises(Unsound, match=f"table {table} is {status}: wait until it is ACTIVE, then run up again."):
        up(own.stage, load(Path(write(own.directory, small_document()))))
    events.unregister("after-call.dynamodb.DescribeTable", answer)
