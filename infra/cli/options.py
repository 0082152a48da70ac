"""Options and words of the commands that reach AWS: the stage, one line for each failure, secrets typed unseen."""

import functools
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer
from rich.console import Console

from chalicelib.rules.loading import BadRules
from chalicelib.store.user_records import NoSuchUser
from infra.errors import NotReady, OperatorError
from infra.stage.aws_faults import AWS_FAILURES, describe_failure
from infra.stage.cloudformation.stack_status import Unsound
from infra.stage.names import BadStageName, require_stage_name

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

REFUSED = 2
AWS_FAILED = 1
REFUSALS = (OperatorError, BadRules, NoSuchUser, NotReady)
NO_STAGE = "No such stage in this account and region. Check --stage, or run `gatehouse up` with its tenant file first."


# Whether the tracebacks of failures are printed too, in this run of the command.
verbose: ContextVar[bool] = ContextVar("verbose", default=False)


def _stage_name(name: str) -> str:
    try:
        return require_stage_name(name)
    except BadStageName as fault:
        raise typer.BadParameter(str(fault)) from fault


StageOption = Annotated[
    str,
    typer.Option("--stage", "-s", envvar="GATEHOUSE_STAGE", help="The stage, such as dev.", callback=_stage_name),
]
ProjectOption = Annotated[Path, typer.Option("--project", help="The folder with .chalice/config.json.")]
RealmOption = Annotated[str, typer.Option("--realm", "-r", help="The realm, such as employees.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

# Lines are as long as they are, so that grep finds them whole; names are no markup.
console = Console(soft_wrap=True, markup=False, highlight=False)


def reports_failures(command: Callable[P, R]) -> Callable[P, R]:
    """Return the command with its failures as lines on stderr: exit 2 for what was refused, 1 where AWS failed."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (*REFUSALS, Unsound, *AWS_FAILURES) as failure:
            line, code = _line_and_code(failure)
            typer.echo(line, err=True)
            if verbose.get():
                typer.echo("".join(traceback.format_exception(failure)), err=True)
        raise typer.Exit(code)

    return run


def _line_and_code(failure: Exception) -> tuple[str, int]:
    if isinstance(failure, NoSuchUser):
        return f"{failure} was deleted meanwhile.", REFUSED
    if isinstance(failure, NotReady):
        return f"The stage is not ready ({failure}). Run `gatehouse up` with this file first.", REFUSED
    if isinstance(failure, REFUSALS):
        return str(failure), REFUSED
    if isinstance(failure, Unsound):
        return str(failure), AWS_FAILED
    # The tables are read before anything else: where they are not, nothing of the stage is.
    is_absent = "ResourceNotFoundException" in describe_failure(failure)
    return (NO_STAGE, REFUSED) if is_absent else (f"AWS: {describe_failure(failure)}", AWS_FAILED)


def show_progress(items: Iterable[T], what: str) -> Iterator[T]:
    """Yield the items, and tell a terminal on stderr how many there were so far. what: names them, in the plural."""
    with Console(stderr=True).status(f"0 {what}") as status:
        for number, item in enumerate(items, 1):
            status.update(f"{number} {what}")
            yield item


def read_line() -> str:
    """Return the first line of standard input: a secret, as all processes of a machine see arguments."""
    return sys.stdin.readline().rstrip("\r\n")


def read_password(from_stdin: bool) -> str:
    """Return a password: the first line of standard input, or typed twice unseen."""
    if from_stdin:
        return read_line()
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
