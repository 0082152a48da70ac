"""`gatehouse apis`: the APIs that a stage makes access tokens for."""

from typing import Annotated

import typer

from infra.cli.configuration.stored import stored_all, stored_one
from infra.cli.options import JsonOption, StageOption, console, reports_failures
from infra.cli.output.tables import print_document, print_json, print_table
from infra.stage.aws import reach

apis = typer.Typer(name="apis", help="List a stage's APIs, and show one.", no_args_is_help=True)


@apis.command("list")
@reports_failures
def list_(stage: StageOption, as_json: JsonOption = False) -> None:
    """List the APIs with the algorithm and lifetime of their tokens, and their scopes."""
    found = stored_all(reach(stage), "api")
    if as_json:
        print_json(console, found)
        return
    rows = [
        (
            one["identifier"],
            one["name"],
            one["signing_alg"],
            f"{one['token_lifetime']} s",
            "\n".join(scope["value"] for scope in one["scopes"]),
        )
        for one in found
    ]
    print_table(console, ("identifier", "name", "alg", "lifetime", "scopes"), rows)


@apis.command()
@reports_failures
def show(
    identifier: Annotated[str, typer.Argument(help="The API's identifier: the audience of requests.")],
    stage: StageOption,
    as_json: JsonOption = False,
) -> None:
    """Show one API, with the keys of the tenant file."""
    print_document(console, stored_one(reach(stage), "api", identifier), as_json)
