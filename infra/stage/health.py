"""Find the faults of a stage: failed stacks, tables that were deleted by hand, keys that do not work."""

from collections.abc import Sequence

from infra.stage.aws import Stage
from infra.stage.cloudformation.leftovers import has_group, has_table, stack_tables, table_status
from infra.stage.cloudformation.stack_status import SOUND, StackState, Unsound, find_stack, status_fault
from infra.stage.cloudformation.stacks import Stack, stage_stacks
from infra.stage.keys import data_key_faults, signing_key_faults, stage_key_faults

# DynamoDB changes a table, or its indexes, while it serves.
USABLE = ("ACTIVE", "UPDATING")


def require_sound(stage: Stage, realms: list[str]) -> None:
    """Raise Unsound if the stage has faults that `up` does not mend. It lists each fault with the command that does."""
    stacks = stage_stacks(stage.name, realms)
    states = [found for stack in stacks if (found := find_stack(stage.cloudformation, stack.name))]
    faults = [line for found in states for line in _stack_fault(stage, found)]
    has_config = any(found.name == stacks[0].name and found.status in SOUND for found in states)
    sealing = data_key_faults(stage)
    if has_config and table_status(stage, f"{stage.prefix}config") in USABLE:
        faults += signing_key_faults(stage, stage.config().keys())
        sealing = sealing or stage_key_faults(stage)
    faults += sealing
    if faults:
        raise Unsound(faults)


def require_free(stage: Stage, stacks: Sequence[Stack]) -> None:
    """Raise Unsound if a stack cannot be made because its tables or log groups exist, retained from a deleted stack."""
    absent = [stack for stack in stacks if _is_absent(stage, stack)]
    logs = stage.clients.logs()
    tables = [(stack, name) for stack in absent for name in stack.tables if has_table(stage, name)]
    groups = [(stack, name) for stack in absent for name in stack.log_groups if has_group(logs, name)]
    lines = [line for stack, name in tables for line in _table_in_the_way(stage, stack, name)]
    lines += [line for stack, name in groups for line in _group_in_the_way(stack, name)]
    if lines:
        raise Unsound(lines)


def _is_absent(stage: Stage, stack: Stack) -> bool:
    state = find_stack(stage.cloudformation, stack.name)
    return state is None or state.status == "REVIEW_IN_PROGRESS"


def _stack_fault(stage: Stage, state: StackState) -> list[str]:
    if state.status not in SOUND:
        return status_fault(stage.cloudformation, state)
    return [line for table in stack_tables(stage, state) for line in _table_fault(stage, state, table)]


def _table_fault(stage: Stage, state: StackState, table: str) -> list[str]:
    status = table_status(stage, table)
    if status in ("", "DELETING"):
        return _lost_table(state, table)
    if status in USABLE:
        return []
    look = f"aws dynamodb describe-table --table-name {table}"
    return [f"table {table} is {status}: wait until it is ACTIVE, then run up again. To see it: {look}"]


def _lost_table(state: StackState, table: str) -> list[str]:
    """Return the commands that bring back a table that was deleted by hand.

    `up` makes no new table here: in an empty table, a stranger could take the identifier of a former user.
    """
    empty = f"aws cloudformation delete-stack --stack-name {state.name}"
    return [
        f"table {table} of stack {state.name} was deleted. DynamoDB keeps a backup for 35 days:",
        f"  aws dynamodb list-backups --backup-type SYSTEM --table-name {table}",
        f"  aws dynamodb restore-table-from-backup --target-table-name {table} --backup-arn ARN",
        *(["  If `gatehouse restore` was interrupted, run it again."] if "-realm-" in state.name else []),
        *([f"  For an empty one: {empty}, and run up again."] if "-realm-" in state.name else []),
    ]


def _table_in_the_way(stage: Stage, stack: Stack, name: str) -> list[str]:
    table = stage.clients.dynamodb.describe_table(TableName=name)["Table"]
    lift = f"aws dynamodb update-table --table-name {name} --no-deletion-protection-enabled && "
    delete = f"aws dynamodb delete-table --table-name {name}"
    return [
        f"table {name} is in the way of stack {stack.name}, which was deleted and left it.",
        "  To keep it, import it into a stack of that name. "
        f"If it is not needed: {lift if table.get('DeletionProtectionEnabled') else ''}{delete}",
    ]


def _group_in_the_way(stack: Stack, name: str) -> list[str]:
    return [
        f"log group {name} is in the way of stack {stack.name}, which was deleted and left it.",
        f"  If its logs are not needed: aws logs delete-log-group --log-group-name {name}",
    ]
