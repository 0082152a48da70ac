"""`gatehouse rules settings`: set, list and unset the values of context.configuration. No value is ever shown."""

import sys
from typing import Annotated

import typer

from infra.cli.audit import auditing
from infra.cli.options import JsonOption, StageOption, console, reports_failures
from infra.cli.output.tables import print_json
from infra.rules.settings import require_name, set_value, settings_of, unset
from infra.stage.aws import reach

settings = typer.Typer(name="settings", help="Set, list and unset the settings that rules read.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The setting's name.")]


@settings.command("set")
@reports_failures
def set_(
    name: Name,
    stage: StageOption,
    from_stdin: Annotated[
        bool, typer.Option("--stdin", help="Read the value from standard input, to its end.")
    ] = False,
) -> None:
    """Set one setting; ask for its value unseen. It works within a minute, and is never shown again."""
    require_name(name)
    reached = reach(stage)
    with auditing(reached, "rules settings set", setting=name):
        set_value(reached, name, _read_value if from_stdin else _ask_value)
    console.print(f"{name} is set.")


@settings.command("list")
@reports_failures
def list_(stage: StageOption, as_json: JsonOption = False) -> None:
    """List the names of the settings, never a value."""
    names = sorted(settings_of(reach(stage)).names())
    if as_json:
        print_json(console, names)
        return
    for name in names:
        console.print(name)


@settings.command("unset")
@reports_failures
def unset_(name: Name, stage: StageOption) -> None:
    """Delete one setting. It takes effect within a minute."""
    require_name(name)
    reached = reach(stage)
    with auditing(reached, "rules settings unset", setting=name):
        unset(reached, name)
    console.print(f"{name} is gone.")


def _read_value() -> str:
    return sys.stdin.read().removesuffix("\n").removesuffix("\r")


def _ask_value() -> str:
    return str(typer.prompt("Value", hide_input=True, confirmation_prompt=True))
