"""`gatehouse clients`: which there are, and new secrets for them."""

import secrets
import time
from typing import Annotated

import typer
from rich.table import Table

from infra.aws import reach
from infra.commands import StageOption, console, reports_failures
from infra.people import Refused
from infra.provision import SECRET_BYTES, SECRET_METHODS, sha256
from infra.tables import add_row

ENDED = 0

clients = typer.Typer(name="clients", help="List a stage's clients and rotate their secrets.", no_args_is_help=True)


@clients.command("list")
@reports_failures
def list_(stage: StageOption) -> None:
    """List the clients with their grants and realms."""
    table = Table("client_id", "name", "authentication", "grants", "realms")
    for key, client in sorted(reach(stage).config().documents(), key=lambda pair: pair[0]):
        if key.startswith("client#"):
            grants = "\n".join(grant.rpartition("/")[2] for grant in client["grant_types"])
            realms = "\n".join(client["realms"])
            cells = (client["client_id"], client["name"], client["token_endpoint_auth_method"], grants, realms)
            add_row(table, *cells)
    console.print(table)


@clients.command("rotate-secret")
@reports_failures
def rotate_secret(
    client_id: Annotated[str, typer.Argument(help="The client.")],
    stage: StageOption,
    overlap: Annotated[int, typer.Option(help="Seconds that the old secret still works.", min=0)] = 86_400,
) -> None:
    """Make a new secret, show it once, and let the old one work for the overlap. It works within a minute."""
    config = reach(stage).config()
    document = dict(config.documents()).get(f"client#{client_id}")
    if document is None or document["token_endpoint_auth_method"] not in SECRET_METHODS:
        raise Refused(f"Stage {stage} has no client {client_id} with a secret.")
    secret, ends = secrets.token_urlsafe(SECRET_BYTES), int(time.time()) + overlap if overlap else ENDED
    # Only the latest secret overlaps: an older one that was still on its way out ends now. What has ended stays known,
    # or an apply of a file that still holds it would bring it back.
    old = [one | {"expires_at": ends if one["expires_at"] is None else ENDED} for one in document["secrets"]]
    config.put(f"client#{client_id}", document | {"secrets": [{"sha256": sha256(secret), "expires_at": None}, *old]})
    console.print(f"Shown only now: client_secret={secret}", soft_wrap=True, markup=False)
