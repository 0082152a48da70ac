"""`gatehouse keys`: the signing keys of a stage, and their rotation by hand."""

import time

import typer
from rich.table import Table

from infra.aws import reach
from infra.commands import StageOption, console, reports_failures
from infra.keys import rotate
from infra.plan import show
from infra.tables import add_row, utc

keys = typer.Typer(name="keys", help="List and rotate a stage's signing keys.", no_args_is_help=True)


@keys.command("list")
@reports_failures
def list_(stage: StageOption) -> None:
    """List the keys as the JWKS publishes them."""
    table = Table("kid", "alg", "status", "since")
    for key in reach(stage).config().keys().keys:
        add_row(table, key.kid, key.alg, key.status, utc(key.since))
    console.print(table)


@keys.command("rotate")
@reports_failures
def rotate_command(stage: StageOption) -> None:
    """Take each algorithm one step: publish a next key; once it is known everywhere, sign with it; retire the old one.

    Run it again after two hours, and after the longest token lifetime; it says what it waits for.
    """
    reached = reach(stage)
    changes, waits = rotate(reached, int(time.time()))
    show(console, f"Keys of stage {stage}", changes)
    for wait in waits:
        console.print(wait, markup=False, soft_wrap=True)
