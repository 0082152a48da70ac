"""`gatehouse migrate`: bring a stage to this version's items; and `migrate auth0`, which moves a tenant from there."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.migrate_stage import migrate_stage
from infra.cli.options import JsonOption, console, reports_failures, stage_name
from infra.cli.output.tables import print_json
from infra.errors import OperatorError
from infra.move.auth0 import move_auth0
from infra.move.folder import require_writable, write_files
from infra.move.rules.package import PACKAGE

migrate = typer.Typer(name="migrate", invoke_without_command=True)


def _given_stage(name: str) -> str:
    # `migrate auth0` has no stage.
    return stage_name(name) if name else ""


@migrate.callback()
@reports_failures
def of_stage(
    context: typer.Context,
    stage: Annotated[
        str,
        typer.Option("--stage", "-s", envvar="GATEHOUSE_STAGE", help="The stage, such as dev.", callback=_given_stage),
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what is due, and write nothing.")] = False,
    in_json: JsonOption = False,
) -> None:
    """Bring what the version before stored into the shape of this one, while logins go on. Safe to run again.

    `migrate auth0` moves a tenant from Auth0.
    """
    if context.invoked_subcommand:
        return
    if not stage:
        raise OperatorError("Give --stage, or a move: gatehouse migrate auth0.")
    migrate_stage(stage, dry_run, in_json)


@migrate.command()
@reports_failures
def auth0(
    export: Annotated[Path, typer.Argument(help="The Deploy CLI's YAML file, its folder, or its directory of JSON.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make, such as moved.")],
    mappings: Annotated[
        Path | None,
        typer.Option("--keywords", help="A JSON file of the Deploy CLI's keywords: the values of ##X## and @@X@@."),
    ] = None,
    client_ids: Annotated[Path | None, typer.Option(help="A JSON file of client_ids by the names of clients.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over the files of a move in that folder.")] = False,
    in_json: JsonOption = False,
) -> None:
    """Make a tenant file, a rule package and a report of an Auth0 tenant's export. It copies no secret."""
    require_writable(output, export, force)
    move = move_auth0(export, mappings, client_ids)
    write_files(move.files, output)
    if in_json:
        print_json(console, {"files": sorted(move.files), "to_do": move.to_do, "unfinished_rules": move.unfinished})
        return
    console.print(f"{output / 'tenant.yaml'} is written. Check it: gatehouse check {output / 'tenant.yaml'}")
    if f"{PACKAGE}/__init__.py" in move.files:
        left = f"{len(move.unfinished)} rules raise until they are translated" if move.unfinished else "none is left"
        console.print(f"The rules: cd {output} && gatehouse rules check -p {PACKAGE} ({left})")
    console.print(f"{output / 'REPORT.md'} says what became of each key: {move.to_do} rows to look at first.")
