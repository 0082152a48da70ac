"""The `gatehouse` command: what each of its words leads to."""

import typer

from infra.attack_commands import attacks
from infra.check import check
from infra.client_commands import clients
from infra.deploy import deploy
from infra.key_commands import keys
from infra.local import local
from infra.mfa_commands import mfa
from infra.rule_commands import rules
from infra.stage_commands import apply_command, up_command
from infra.token_commands import tokens
from infra.user_commands import users

app = typer.Typer(
    name="gatehouse",
    help="Gatehouse: an OAuth 2.0 authorization server for highly trusted applications.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(local)
app.command()(check)
app.command("up")(up_command)
app.command("apply")(apply_command)
app.command()(deploy)
app.add_typer(users)
users.add_typer(mfa)
app.add_typer(tokens)
app.add_typer(attacks)
app.add_typer(clients)
app.add_typer(keys)
app.add_typer(rules)


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
