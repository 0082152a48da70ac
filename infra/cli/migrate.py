"""`gatehouse migrate auth0`: an export of Auth0 becomes a tenant file, a rule package and a report."""

from pathlib import Path
from typing import Annotated

import typer

from infra.cli.options import JsonOption, console, reports_failures
from infra.cli.output.tables import print_json
from infra.move.auth0 import move_auth0
from infra.move.folder import require_writable, write_files
from infra.move.rules.package import PACKAGE

migrate = typer.Typer(name="migrate", help="Move a tenant from Auth0.", no_args_is_help=True)


@migrate.callback()
def options() -> None:
    """Move a tenant from Auth0."""


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
