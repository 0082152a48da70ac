"""`gatehouse up` and `gatehouse apply`: bring a stage to what a tenant file says."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.audit import auditing
from infra.cli.check import load_or_exit, password_grant_warnings, warn
from infra.cli.migrate_stage import say_if_migration_is_due
from infra.cli.options import ProjectOption, StageOption, console, reports_failures
from infra.cli.output.plan import as_json, show
from infra.cli.output.tables import print_json
from infra.cli.plan import DetailedExitcode, DryRun, PlanJson, require_dry_run
from infra.cli.waf import AccountTakeover, Protection, WafAccountTakeover, WafLogins, WafOption, WafRequests
from infra.errors import OperatorError
from infra.rules.import_functions import require_import_functions, require_listed_imports
from infra.stage.aws import Stage, caller_arn, reach
from infra.stage.chalice_config import PROJECT, require_listed
from infra.stage.changes import PlannedChange, in_words, would_change
from infra.stage.cloudformation.web_acl import LOGIN_LIMIT, REQUEST_LIMIT
from infra.stage.logs.audit_log import audit_log_changes
from infra.stage.logs.subscription import connect_events
from infra.stage.provision import apply, up
from infra.stage.seed import SeededUser, compare_each, seed_each
from infra.tenant.client_secrets import require_strong_secrets
from infra.tenant.schema import TenantFile
from infra.tenant.values import is_email

AlarmEmail = Annotated[str, typer.Option(help="An address that gets a mail of each alarm.")]
FileArgument = Annotated[Path, typer.Argument(help="The tenant file.")]

NOT_DEPLOYED = "No events are sent on before the function that does is deployed: gatehouse deploy."


@reports_failures
def up_command(
    file: FileArgument,
    stage: StageOption,
    dry_run: DryRun = False,
    in_json: PlanJson = False,
    detailed_exitcode: DetailedExitcode = False,
    alarm_email: AlarmEmail = "",
    waf: WafOption = None,
    waf_requests: WafRequests = REQUEST_LIMIT,
    waf_logins: WafLogins = LOGIN_LIMIT,
    waf_account_takeover: WafAccountTakeover = AccountTakeover.none,
    project: ProjectOption = PROJECT,
) -> bool:
    """Make what the stage lacks: its stack, a stack per realm, the signing keys, the alarms. Safe to run again."""
    require_dry_run(dry_run, in_json, detailed_exitcode)
    if alarm_email and not is_email(alarm_email):
        raise OperatorError(f"--alarm-email {alarm_email} must look like name@example.com.")
    tenant_file, reached = _open(file, stage, project)
    protection = Protection(waf, waf_requests, waf_logins, waf_account_takeover)
    bring_up = partial(_bring_up, reached, project, tenant_file, alarm_email, protection)
    planned = bring_up(dry_run=True)
    if in_json:
        print_json(console, as_json(stage, planned))
    else:
        show(console, _title(stage, dry_run), planned)
    if planned and not dry_run:
        audit_log_changes(reached, dry_run=False)
        with (
            auditing(reached, "up", changes=in_words(planned)),
            console.status("CloudFormation and KMS are at work"),
        ):
            bring_up(dry_run=False)
        console.print("Done.")
        if any(change.what == f"stack gatehouse-{stage}" for change in planned):
            console.print(f"For the role of a help desk: {_help_desk_policy(reached)}")
    if not in_json:
        say_if_migration_is_due(reached)
    return would_change(planned)


def _bring_up(
    stage: Stage, project: Path, file: TenantFile, alarm_email: str, protection: Protection, dry_run: bool
) -> list[PlannedChange]:
    """Return all that `up` changes, and change it unless dry_run. Logins do not wait for the web ACL: it is last."""
    return [*up(stage, file, dry_run, alarm_email), *protection.changes(stage, project, file, dry_run)]


@reports_failures
def apply_command(
    file: FileArgument,
    stage: StageOption,
    dry_run: DryRun = False,
    in_json: PlanJson = False,
    detailed_exitcode: DetailedExitcode = False,
    prune: Annotated[bool, typer.Option("--prune", help="Delete what left the file (never a table of users).")] = False,
    with_users: Annotated[
        bool, typer.Option("--with-users", help="Make the file's users too, and say who was there: for test stages.")
    ] = False,
    project: ProjectOption = PROJECT,
) -> bool:
    """Write the file's tenant, realms, APIs and clients into the stage. Safe to run again; works within a minute."""
    require_dry_run(dry_run, in_json, detailed_exitcode)
    tenant_file, reached = _open(file, stage, project)
    planned = apply(reached, tenant_file, dry_run=True, prune=prune).changes
    if dry_run and with_users:
        planned += [seeded.change for seeded in compare_each(reached, tenant_file)]
    warnings = password_grant_warnings(tenant_file)
    if in_json:
        print_json(console, as_json(stage, planned) | {"warnings": warnings})
        return would_change(planned)
    show(console, _title(stage, dry_run), planned)
    if not dry_run:
        with auditing(reached, "apply", changes=in_words(planned)) as audited:
            apply(reached, tenant_file, prune=prune, tell=_show_secret)
            is_connected = connect_events(reached)
            if with_users:
                seeded = _seed(reached, tenant_file)
                audited.whom["users"] = in_words([one.change for one in seeded])
        if not is_connected:
            console.print(NOT_DEPLOYED)
        if with_users:
            _show_users(seeded)
    warn(warnings, console)
    return would_change(planned)


def _help_desk_policy(stage: Stage) -> str:
    """Return the ARN of the policy that `up` makes for a help desk."""
    account, region = caller_arn().split(":")[4], stage.clients.kms.meta.region_name
    return f"arn:aws:iam::{account}:policy/gatehouse-{stage.name}-help-desk-{region}"


def _open(file: Path, stage: str, project: Path) -> tuple[TenantFile, Stage]:
    """Return the tenant file and the stage.

    Raises OperatorError for an unlisted stage, a weak client secret, or an import function that cannot be used.
    """
    tenant_file = load_or_exit(file)
    require_listed(stage, project)
    require_import_functions(tenant_file.realms, project)
    require_listed_imports(stage, tenant_file.realms, project)
    require_strong_secrets(stage, tenant_file)
    return tenant_file, reach(stage)


def _title(stage: str, dry_run: bool) -> str:
    return f"Stage {stage} would change" if dry_run else f"Stage {stage} changes"


def _show_secret(client_id: str, secret: str) -> None:
    console.print(f"Made for client {client_id}, shown only now: client_secret={secret}")


def _show_users(users: list[SeededUser]) -> None:
    console.print(f"Users made: {sum(user.is_new for user in users)}.")
    known = [user.change for user in users if not user.is_new]
    if known:
        show(console, "Users who were there already, and stay as they are", known)


def _seed(stage: Stage, file: TenantFile) -> list[SeededUser]:
    """Make the file's users, and return them. If that fails midway, print how many are made."""
    total, users = sum(map(len, file.users.values())), list[SeededUser]()
    try:
        for user in seed_each(stage, file):
            users.append(user)
    finally:
        if len(users) < total:
            typer.echo(f"{len(users)} of {total} users are there. The same command goes on from there.", err=True)
    return users
