"""The `gatehouse` command: the table of its subcommands."""

from importlib.metadata import version
from typing import Annotated

import typer

from infra.cli.check import check
from infra.cli.configuration.apis import apis
from infra.cli.configuration.clients import clients
from infra.cli.configuration.events import events
from infra.cli.configuration.realms import realms
from infra.cli.configuration.roles import stage_roles
from infra.cli.deploy import deploy
from infra.cli.domain import domain
from infra.cli.keys import keys
from infra.cli.lifecycle.doctor import doctor
from infra.cli.lifecycle.down import down
from infra.cli.lifecycle.restore import restore
from infra.cli.local import local
from infra.cli.logs.logs import logs
from infra.cli.migrate import migrate
from infra.cli.new_tenant import new
from infra.cli.options import verbose
from infra.cli.people.attacks import attacks
from infra.cli.people.erasing import erase
from infra.cli.people.exporting import export
from infra.cli.people.help_desk import help_desk
from infra.cli.people.history import history
from infra.cli.people.importing import import_
from infra.cli.people.mfa import mfa
from infra.cli.people.migrated import migrated
from infra.cli.people.roles import permissions, roles
from infra.cli.people.set import set_
from infra.cli.people.tokens import tokens
from infra.cli.people.users import users
from infra.cli.plan import PlanCommand
from infra.cli.rules.rules import rules
from infra.cli.stages import apply_command, up_command

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
app.add_typer(migrate)
app.command()(check)
app.command("up", cls=PlanCommand)(up_command)
app.command("apply", cls=PlanCommand)(apply_command)
app.command()(deploy)
app.command()(domain)
app.command()(doctor)
app.command()(restore)
app.command()(down)
app.add_typer(users)
users.add_typer(mfa)
users.add_typer(roles)
users.add_typer(permissions)
users.command("set")(set_)
users.command()(history)
users.command()(migrated)
users.command("import")(import_)
users.command()(export)
users.command()(erase)
app.add_typer(tokens)
app.add_typer(attacks)
app.add_typer(help_desk)
app.add_typer(realms)
app.add_typer(apis)
app.add_typer(stage_roles)
app.add_typer(clients)
app.add_typer(keys)
app.add_typer(logs)
app.add_typer(events)
app.add_typer(rules)


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
