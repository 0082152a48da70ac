"""Make the log group of the audit log. It is no part of the stack, so it is there before it and stays after it."""

from contextlib import suppress

from chalicelib.store.logs.audit import audit_group
from infra.stage.aws import Stage
from infra.stage.changes import PlannedChange
from infra.stage.cloudformation.leftovers import has_group

# Longer than a year, as questions come late.
RETENTION_DAYS = 400


def audit_log_changes(stage: Stage, dry_run: bool) -> list[PlannedChange]:
    """Make the audit log if it is missing. Return the change."""
    logs, name = stage.clients.logs(), audit_group(stage.name)
    if has_group(logs, name):
        return []
    if not dry_run:
        # Two runs at once may both have missed it.
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=name)
        logs.put_retention_policy(logGroupName=name, retentionInDays=RETENTION_DAYS)
    return [PlannedChange("create", f"log group {name}", f"kept for {RETENTION_DAYS} days")]
