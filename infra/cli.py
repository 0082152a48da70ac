"""The `gatehouse` command: what each of its words leads to."""

from importlib.metadata import version
from typing import Annotated

import typer

from infra.api_commands import apis
from infra.attack_commands import attacks
from infra.check import check
from infra.client_commands import clients
from infra.commands import verbose
from infra.deploy import deploy
from infra.key_commands import keys
from infra.local import local
from infra.mfa_commands import mfa
from infra.new_tenant import new
from infra.plan_command import PlanCommand
from infra.realm_commands import realms
from infra.rule_commands import rules
from infra.stage_commands import apply_command, up_command
from infra.token_commands import tokens
from infra.user_commands import users

app = typer.Typer(
    name="gatehouse",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"gatehouse {version('gatehouse')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and end.", callback=_show_version, is_eager=True)
    ] = False,
    is_verbose: Annotated[bool, typer.Option("--verbose", help="Print the tracebacks of a failure too.")] = False,
) -> None:
    """Gatehouse: an OAuth 2.0 authorization server for highly trusted applications."""
    verbose.set(is_verbose)


app.command()(local)
app.command()(new)
app.command()(check)
app.command("up", cls=PlanCommand)(up_command)
app.command("apply", cls=PlanCommand)(apply_command)
app.command()(deploy)
app.add_typer(users)
users.add_typer(mfa)
app.add_typer(tokens)
app.add_typer(attacks)
app.add_typer(realms)
app.add_typer(apis)
app.add_typer(clients)
app.add_typer(keys)
app.add_typer(rules)


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
