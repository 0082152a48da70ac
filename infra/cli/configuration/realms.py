"""`gatehouse realms`: the user directories of a stage."""

from typing import Annotated

import typer

from infra.cli.configuration.stored import stored_all, stored_one
from infra.cli.options import JsonOption, StageOption, console, reports_failures
from infra.cli.output.tables import print_document, print_json, print_table
from infra.stage.aws import reach
from infra.stage.people import find_realm

realms = typer.Typer(name="realms", help="List a stage's realms, and show one.", no_args_is_help=True)


@realms.command("list")
@reports_failures
def list_(stage: StageOption, as_json: JsonOption = False) -> None:
    """List the realms with the identifiers that users log in by, and the table of their users."""
    found = stored_all(reach(stage), "realm")
    if as_json:
        print_json(console, found)
        return
    rows = [(one["name"], one["display_name"], "\n".join(one["identifiers"]), one["users_table"]) for one in found]
    print_table(console, ("name", "display name", "identifiers", "table"), rows)


@realms.command()
@reports_failures
def show(
    name: Annotated[str, typer.Argument(help="The realm, such as employees, or an alias of it.")],
    stage: StageOption,
    as_json: JsonOption = False,
) -> None:
    """Show one realm, with the keys of the tenant file."""
    reached = reach(stage)
    print_document(console, stored_one(reached, "realm", find_realm(reached, name).name), as_json)
