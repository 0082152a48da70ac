"""`gatehouse events`: the secret that a webhook's events are signed with."""

import typer

from chalicelib.store.configuration.events_secret import make_secret
from chalicelib.store.configuration.vault import Vault
from infra.cli.audit import auditing
from infra.cli.options import StageOption, console, reports_failures
from infra.stage.aws import reach

events = typer.Typer(name="events", help="Make the secret that signs a webhook's events.", no_args_is_help=True)


@events.command("rotate-secret")
@reports_failures
def rotate_secret(stage: StageOption) -> None:
    """Make a new secret for the signatures of a webhook's events, and show it once. It signs at once."""
    reached = reach(stage)
    with auditing(reached, "events rotate-secret"):
        secret = make_secret(reached.config(), Vault(reached.aws, stage))
    console.print(f"Shown only now: events_secret={secret}")
