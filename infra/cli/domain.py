"""`gatehouse domain`: lead a domain of the team's own to a stage's API, and make it the issuer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.audit import auditing
from infra.cli.options import ProjectOption, StageOption, console, reports_failures
from infra.cli.output.plan import as_json, show
from infra.cli.output.tables import print_json, print_table
from infra.cli.plan import DryRun, PlanJson, require_dry_run
from infra.deploy.api import AwsAccount, UnclearApi, require_api
from infra.deploy.domain.names import require_domain
from infra.deploy.domain.records import Record, find_zone
from infra.deploy.domain.setup import DomainSetup
from infra.deploy.down.domains import domain_parts, mapping_parts
from infra.errors import OperatorError
from infra.stage.aws import Stage, reach
from infra.stage.chalice_config import ISSUER, PROJECT, issuer_of, set_variable
from infra.stage.changes import PlannedChange, would_change

EXIT_WAITS = 3
CONFIG = ".chalice/config.json"


@dataclass(frozen=True, slots=True)
class Flags:
    """How the command is run."""

    dry_run: bool
    in_json: bool
    yes: bool

    def would(self, does: str, would_do: str) -> str:
        """Return the words of a plan, or those of a run."""
        return would_do if self.dry_run else does

    def show(self, stage: str, title: str, planned: Sequence[PlannedChange]) -> None:
        """Print the plan."""
        if self.in_json:
            print_json(console, as_json(stage, planned))
        else:
            show(console, title, planned)


@reports_failures
def domain(
    name: Annotated[str, typer.Argument(metavar="DOMAIN", help="The domain, such as login.example.com.")],
    stage: StageOption,
    certificate: Annotated[
        str, typer.Option(metavar="ARN", help="A certificate of ACM that you have. Without it, one is asked for.")
    ] = "",
    zone: Annotated[
        str, typer.Option(metavar="ID", help="The hosted zone of Route 53. Without it, the nearest of the account.")
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take the domain away again.")] = False,
    dry_run: DryRun = False,
    in_json: PlanJson = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    project: ProjectOption = PROJECT,
) -> None:
    """Lead a domain to the stage's API: certificate, mapping, DNS, issuer. Safe to run again; it goes on.

    Exit code 3: a DNS record or the certificate is still missing; run it again.
    """
    require_dry_run(dry_run, in_json, detailed_exitcode=False)
    reached, checked, flags = reach(stage), require_domain(name), Flags(dry_run, in_json, yes)
    if remove:
        if certificate or zone:
            raise OperatorError("--remove takes neither --certificate nor --zone: it finds what it made.")
        _remove(reached, checked, project, flags)
        return
    try:
        api = require_api(stage, project)
    except UnclearApi as unclear:
        raise OperatorError(str(unclear)) from unclear
    setup = DomainSetup(reached, checked, api, certificate, find_zone(checked, zone))
    _set_up(setup, project, flags)


def _set_up(setup: DomainSetup, project: Path, flags: Flags) -> None:
    stage, issuer = setup.stage.name, f"https://{setup.name}/"
    before = issuer_of(stage, project)
    planned = list(setup.plan())
    if before != issuer:
        planned.append(PlannedChange("update", f"{ISSUER} in {CONFIG}", f"{before or 'none'} -> {issuer}"))
    flags.show(stage, f"Stage {stage} {flags.would('gets', 'would get')} the domain {setup.name}", planned)
    if before != issuer and not flags.in_json:
        console.print(_cost(before or setup.api.url, issuer, stage))
    if flags.dry_run:
        return
    if would_change(planned) and not flags.yes:
        typer.confirm("Go on?", abort=True)
    with auditing(setup.stage, "domain", domain=setup.name) as audited:
        progress = setup.advance(console.print)
        audited.whom["is_mapped"] = str(progress.is_mapped).lower()
        if progress.is_mapped and before != issuer:
            set_variable(stage, ISSUER, issuer, project)
    _show_records(progress.to_make)
    if not progress.is_mapped:
        console.print("The certificate is not issued yet. Run this command again: it goes on from here.")
        raise typer.Exit(EXIT_WAITS)
    _show_next(stage, issuer, progress.to_make)


def _cost(before: str, issuer: str, stage: str) -> str:
    return (
        f"Tokens name their issuer. With the next `gatehouse deploy --stage {stage}` it changes from {before} "
        f"to {issuer}: APIs have to take both before it, /userinfo and /api/v2 refuse the access tokens of before, "
        f"and clients that sign assertions need the new audience. Refresh tokens go on."
    )


def _show_records(records: Sequence[Record]) -> None:
    if records:
        console.print("DNS has to have this record, which you make or change:")
        print_table(console, ("name", "type", "value"), [(one.name, one.kind, one.value) for one in records])


def _show_next(stage: str, issuer: str, missing: Sequence[Record]) -> None:
    console.print(f"{issuer} leads to stage {stage}{' once DNS has that record' if missing else ''}. Then:")
    console.print(f"  gatehouse deploy --stage {stage}")
    console.print(f"  curl {issuer}.well-known/openid-configuration")
    console.print(f"Commit {CONFIG}: each clone that deploys needs the issuer.")
    if missing:
        raise typer.Exit(EXIT_WAITS)


def _remove(stage: Stage, name: str, project: Path, flags: Flags) -> None:
    is_issuer = issuer_of(stage.name, project) == f"https://{name}/"
    apis = AwsAccount(project).apis_of(stage.name)
    parts = [*mapping_parts(name, apis), *domain_parts(stage.name, apis, name)]
    planned = [PlannedChange("delete", part.what) for part in parts]
    if is_issuer:
        planned.append(PlannedChange("update", f"{ISSUER} in {CONFIG}", "none: each URL of the API is an issuer"))
    flags.show(stage.name, f"The domain {name} {flags.would('is', 'would be')} taken from stage {stage.name}", planned)
    if flags.dry_run or not planned:
        return
    if not flags.yes:
        typer.confirm(f"Clients at https://{name}/ find nobody there any more. Go on?", abort=True)
    with auditing(stage, "domain", domain=name, removed="yes"):
        for part in parts:
            console.print(f"Deleting {part.what}")
            part.delete()
        if is_issuer:
            set_variable(stage.name, ISSUER, "", project)
    left = [part.what for part in domain_parts(stage.name, apis, name)]
    if left:
        console.print(f"Still there: {', '.join(left)}. AWS holds it for some minutes: run this command again.")
        raise typer.Exit(EXIT_WAITS)
    console.print(f"Now: gatehouse deploy --stage {stage.name}")
