"""`gatehouse keys`: the signing keys of a stage, and their rotation by hand."""

import time

import typer

from infra.cli.audit import auditing
from infra.cli.options import JsonOption, StageOption, console, reports_failures
from infra.cli.output.plan import as_json, show
from infra.cli.output.tables import print_json, print_table, utc
from infra.stage.aws import reach
from infra.stage.changes import in_words
from infra.stage.keys import rotate

keys = typer.Typer(name="keys", help="List and rotate a stage's signing keys.", no_args_is_help=True)

COLUMNS = ("kid", "alg", "status", "since")


@keys.command("list")
@reports_failures
def list_(stage: StageOption, in_json: JsonOption = False) -> None:
    """List the keys as the JWKS publishes them."""
    rows = [
        {"kid": key.kid, "alg": key.alg, "status": key.status, "since": utc(key.since), "key_arn": key.key_arn}
        for key in reach(stage).config().keys().keys
    ]
    if in_json:
        print_json(console, rows)
    else:
        print_table(console, COLUMNS, [[row[name] for name in COLUMNS] for row in rows])


@keys.command("rotate")
@reports_failures
def rotate_command(stage: StageOption, in_json: JsonOption = False) -> None:
    """Take each algorithm one step: publish a next key; once it is known everywhere, sign with it; retire the old one.

    Run it again after two hours, and after the longest token lifetime; it says what it waits for.
    """
    reached = reach(stage)
    with auditing(reached, "keys rotate") as audited:
        changes, waits = rotate(reached, int(time.time()))
        audited.whom["changes"] = in_words(changes)
    if in_json:
        print_json(console, as_json(stage, changes) | {"waits": waits})
        return
    show(console, f"Keys of stage {stage}", changes)
    for wait in waits:
        console.print(wait)
