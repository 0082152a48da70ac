"""`gatehouse help-desk`: unblock a user or reset the second factors, with no permission but to ask for that."""

import typer

from chalicelib.flows.help_desk import RESET_FACTORS, UNBLOCK
from infra.cli.options import RealmOption, StageOption, console, reports_failures
from infra.cli.people.users import Who, Yes
from infra.deploy.help_desk import ask_help_desk

help_desk = typer.Typer(
    name="help-desk",
    help="Unblock a user or reset the second factors, by the help desk's function.",
    no_args_is_help=True,
)


@help_desk.command()
@reports_failures
def unblock(who: Who, realm: RealmOption, stage: StageOption) -> None:
    """Clear the failed logins of a user from all addresses."""
    console.print(f"{ask_help_desk(stage, UNBLOCK, realm, who)}: forgotten.")


@help_desk.command()
@reports_failures
def reset_factors(who: Who, realm: RealmOption, stage: StageOption, yes: Yes = False) -> None:
    """Remove a user's second factors and recovery code, and lift the limits on codes and messages."""
    if not yes:
        typer.confirm(f"Remove all second factors of {who} in realm {realm}?", abort=True)
    console.print(f"{ask_help_desk(stage, RESET_FACTORS, realm, who)} has no second factor any more.")
