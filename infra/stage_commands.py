"""`gatehouse up` and `gatehouse apply`: a stage, brought to what a tenant file says."""

from pathlib import Path
from typing import Annotated

import typer

from infra.aws import Stage, reach
from infra.chalice_config import PROJECT, require_listed
from infra.check import load_or_exit, warn_of_password_grants
from infra.commands import ProjectOption, StageOption, console, reports_failures
from infra.plan import show
from infra.provision import apply, up
from infra.seed import seed_each
from infra.tenant_file import TenantFile

FileArgument = Annotated[Path, typer.Argument(help="The tenant file.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]


@reports_failures
def up_command(
    file: FileArgument, stage: StageOption, dry_run: DryRun = False, project: ProjectOption = PROJECT
) -> None:
    """Make what the stage lacks: its stack, a stack per realm, the signing keys. Safe to run again."""
    tenant_file = load_or_exit(file)
    require_listed(stage, project)
    reached = reach(stage)
    planned = up(reached, tenant_file, dry_run=True)
    show(console, f"Stage {stage} would change" if dry_run else f"Stage {stage} changes", planned)
    if planned and not dry_run:
        with console.status("CloudFormation and KMS are at work"):
            up(reached, tenant_file)
        console.print("Done.")


@reports_failures
def apply_command(
    file: FileArgument,
    stage: StageOption,
    dry_run: DryRun = False,
    prune: Annotated[bool, typer.Option("--prune", help="Delete what left the file (never a table of users).")] = False,
    with_users: Annotated[
        bool, typer.Option("--with-users", help="Make the file's users too: for test stages.")
    ] = False,
    project: ProjectOption = PROJECT,
) -> None:
    """Write the file's tenant, realms, APIs and clients into the stage. Safe to run again; works within a minute."""
    tenant_file = load_or_exit(file)
    require_listed(stage, project)
    reached = reach(stage)
    show_first = apply(reached, tenant_file, dry_run=True, prune=prune)
    show(console, f"Stage {stage} would change" if dry_run else f"Stage {stage} changes", show_first.changes)
    if not dry_run:
        apply(reached, tenant_file, prune=prune, tell=_show_secret)
        if with_users:
            console.print(f"Users made: {_seed(reached, tenant_file)}.")
    warn_of_password_grants(tenant_file, console)


def _show_secret(client_id: str, secret: str) -> None:
    console.print(f"Made for client {client_id}, shown only now: client_secret={secret}", soft_wrap=True, markup=False)


def _seed(stage: Stage, file: TenantFile) -> int:
    """Make the file's users and return how many were made; if that ends early, say how far it came."""
    total, made = sum(map(len, file.users.values())), list[bool]()
    try:
        for is_made in seed_each(stage, file):
            made.append(is_made)
    finally:
        if len(made) < total:
            typer.echo(f"{len(made)} of {total} users are there. The same command goes on from there.", err=True)
    return sum(made)
