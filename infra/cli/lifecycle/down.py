"""`gatehouse down`: take a stage down, with all that it stores."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Annotated

import typer

from chalicelib.store.logs.audit import audit_group
from infra.cli.audit import auditing
from infra.cli.options import ProjectOption, StageOption, console, reports_failures
from infra.cli.output.plan import as_json, show
from infra.cli.output.tables import print_json
from infra.cli.plan import DryRun, PlanJson, require_dry_run
from infra.deploy.down.down import Down
from infra.errors import OperatorError
from infra.stage.aws import reach
from infra.stage.chalice_config import PROJECT
from infra.stage.changes import PlannedChange, would_change

# The one stage whose tables are not protected from deletion.
DEV = "dev"
KEPT_BY_AWS = (
    "DynamoDB keeps what a table with point-in-time recovery held for 35 days, as a backup of type SYSTEM. "
    "After a data key is gone, no secret of an authenticator app opens again, not from a backup either."
)


@reports_failures
def down(
    stage: StageOption,
    dry_run: DryRun = False,
    in_json: PlanJson = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. It is for stage dev alone.")] = False,
    yes_delete: Annotated[
        str, typer.Option("--yes-delete", metavar="STAGE", help="The stage's name again, for another stage than dev.")
    ] = "",
    pending_days: Annotated[
        int, typer.Option("--pending-days", min=7, max=30, help="How many days KMS waits before it deletes the keys.")
    ] = 30,
    project: ProjectOption = PROJECT,
) -> None:
    """Delete a stage with all people and keys: functions, API, stacks, tables, logs. Safe to run again."""
    require_dry_run(dry_run, in_json, detailed_exitcode=False)
    taking = Down(reach(stage), project, pending_days)
    has_audit_log, planned = taking.has_audit_log(), _plan(taking)
    if in_json:
        print_json(console, as_json(stage, planned))
    else:
        show(console, f"Stage {stage} {'would be' if dry_run else 'is'} taken down", planned)
    if dry_run or not would_change(planned):
        return
    _require_agreement(stage, yes, yes_delete)
    # A run before this one may have deleted the audit log of stage dev as its last act.
    with nullcontext() if stage == DEV and not has_audit_log else auditing(taking.stage, "down"):
        taking.delete(lambda what: console.print(f"Deleting {what}"))
    if has_audit_log and stage == DEV:
        taking.delete_audit_log()
    _show_kept(stage, taking.kept())


def _plan(taking: Down) -> list[PlannedChange]:
    stage, days = taking.stage.name, f"in {taking.pending_days} days"
    parts = [part.what for part in taking.parts()]
    planned = [PlannedChange("delete", what, days if what.startswith("key ") else "") for what in parts]
    if taking.has_audit_log():
        is_kept, group = stage != DEV, f"log group {audit_group(stage)}"
        planned.append(PlannedChange("keep" if is_kept else "delete", group, "the audit log"))
    return planned + [PlannedChange("keep", line) for line in taking.kept()]


def _require_agreement(stage: str, yes: bool, yes_delete: str) -> None:
    if yes_delete and yes_delete != stage:
        raise OperatorError(f"--yes-delete names stage {yes_delete}, and --stage {stage}. Nothing is deleted.")
    if yes_delete == stage or (stage == DEV and yes):
        return
    if stage != DEV:
        raise OperatorError(f"Nothing is deleted. To delete stage {stage} with all its people: --yes-delete {stage}")
    typer.confirm(f"Delete stage {stage} with all its people?", abort=True)


def _show_kept(stage: str, kept: Sequence[str]) -> None:
    console.print(f"Stage {stage} is down: nothing that bears its name is left, but for what follows.")
    for line in kept:
        console.print(f"Kept: {line}")
    console.print(KEPT_BY_AWS)
