"""What is wrong with a stage that stands: stacks that failed, tables that somebody deleted, keys that do not work."""

from infra.aws import Stage
from infra.keys import key_faults
from infra.leftovers import has_table, stack_tables
from infra.stack_status import SOUND, Standing, Unsound, find_standing, status_fault
from infra.stacks import stage_stacks


def require_sound(stage: Stage, realms: list[str]) -> None:
    """Raise Unsound if the stage has faults that `up` does not mend: all of them, each with the command that does."""
    stacks = stage_stacks(stage.name, realms)
    standing = [found for stack in stacks if (found := find_standing(stage.cloudformation, stack.name))]
    faults = [line for found in standing for line in _stack_fault(stage, found)]
    has_config = any(found.name == stacks[0].name and found.status in SOUND for found in standing)
    if has_config and has_table(stage, f"{stage.prefix}config"):
        faults += key_faults(stage, stage.config().keys())
    if faults:
        raise Unsound(faults)


def _stack_fault(stage: Stage, standing: Standing) -> list[str]:
    if standing.status not in SOUND:
        return status_fault(stage.cloudformation, standing)
    lost = [table for table in stack_tables(stage, standing) if not has_table(stage, table)]
    return [line for table in lost for line in _lost_table(standing, table)]


def _lost_table(standing: Standing, table: str) -> list[str]:
    """Return how a table that was deleted by hand comes back.

    No table is made anew here: an empty table of users would let strangers sign up as the people whom it had.
    """
    empty = f"aws cloudformation delete-stack --stack-name {standing.name}"
    return [
        f"table {table} of stack {standing.name} was deleted. DynamoDB keeps a backup for 35 days:",
        f"  aws dynamodb list-backups --backup-type SYSTEM --table-name {table}",
        f"  aws dynamodb restore-table-from-backup --target-table-name {table} --backup-arn ARN",
        *([f"  For an empty one: {empty}, and run up again."] if "-realm-" in standing.name else []),
    ]
