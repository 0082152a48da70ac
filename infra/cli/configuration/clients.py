"""`gatehouse clients`: list and show a stage's clients, and rotate their secrets."""

import time
from typing import Annotated

import typer

from chalicelib.store.configuration.client_secrets import ENDED, ChangedMeanwhile, NoSecret
from chalicelib.store.configuration.client_secrets import rotate_secret as renew_secret
from infra.cli.audit import auditing
from infra.cli.configuration.stored import stored_all, stored_one
from infra.cli.options import JsonOption, StageOption, console, reports_failures
from infra.cli.output.tables import print_document, print_json, print_table
from infra.errors import OperatorError
from infra.stage.aws import reach

clients = typer.Typer(
    name="clients", help="List and show a stage's clients, and rotate their secrets.", no_args_is_help=True
)


@clients.command("list")
@reports_failures
def list_(stage: StageOption, as_json: JsonOption = False) -> None:
    """List the clients with their grants and realms."""
    found = stored_all(reach(stage), "client")
    if as_json:
        print_json(console, found)
        return
    rows = [
        (
            one["client_id"],
            f"{one['name']} (disabled)" if one.get("disabled") else one["name"],
            one["token_endpoint_auth_method"],
            "\n".join(grant.rpartition("/")[2] for grant in one["grant_types"]),
            "\n".join(one["realms"]),
        )
        for one in found
    ]
    print_table(console, ("client_id", "name", "authentication", "grants", "realms"), rows)


@clients.command()
@reports_failures
def show(
    client_id: Annotated[str, typer.Argument(help="The client.")], stage: StageOption, as_json: JsonOption = False
) -> None:
    """Show one client, with the keys of the tenant file; of its secrets only when they end."""
    print_document(console, stored_one(reach(stage), "client", client_id), as_json)


@clients.command("rotate-secret")
@reports_failures
def rotate_secret(
    client_id: Annotated[str, typer.Argument(help="The client.")],
    stage: StageOption,
    overlap: Annotated[int, typer.Option(help="Seconds that the old secret still works.", min=0)] = 86_400,
) -> None:
    """Make a new secret, show it once, and let the old one work for the overlap. It works within a minute."""
    ends_at = int(time.time()) + overlap if overlap else ENDED
    reached = reach(stage)
    try:
        with auditing(reached, "clients rotate-secret", client=client_id):
            secret, _ = renew_secret(reached.config(), client_id, ends_at)
    except NoSecret:
        raise OperatorError(f"Stage {stage} has no client {client_id} with a secret.") from None
    except ChangedMeanwhile:
        raise OperatorError(f"{client_id} was changed meanwhile. Run the command again.") from None
    console.print(f"Shown only now: client_secret={secret}")
