"""Options that several commands share, one line for each failure, and secrets that are typed unseen."""

import functools
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer
from rich.console import Console

from chalicelib.mails.rendering import BadMailTemplates
from chalicelib.rules.loading import BadRules
from chalicelib.settings import MAIL_TEMPLATES
from chalicelib.store.people.user_records import NoSuchUser
from infra.cli.output.escapes import printable
from infra.errors import NotReady, OperatorError
from infra.stage.aws_faults import AWS_FAILURES, describe_failure
from infra.stage.cloudformation.stack_status import Unsound
from infra.stage.names import BadStageName, require_stage_name

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

EXIT_OPERATOR_ERROR = 2
EXIT_AWS_FAILED = 1
OPERATOR_ERRORS = (OperatorError, BadRules, BadMailTemplates, NoSuchUser, NotReady)
NO_STAGE = "No such stage in this account and region. Check --stage, or run `gatehouse up` with its tenant file first."


# Whether the tracebacks of failures are printed too, in this run of the command.
verbose: ContextVar[bool] = ContextVar("verbose", default=False)


def stage_name(name: str) -> str:
    """Return the name of a stage. Raises typer.BadParameter."""
    try:
        return require_stage_name(name)
    except BadStageName as fault:
        raise typer.BadParameter(str(fault)) from fault


StageOption = Annotated[
    str,
    typer.Option("--stage", "-s", envvar="GATEHOUSE_STAGE", help="The stage, such as dev.", callback=stage_name),
]
ProjectOption = Annotated[Path, typer.Option("--project", help="The folder with .chalice/config.json.")]
RealmOption = Annotated[str, typer.Option("--realm", "-r", help="The realm, such as employees.")]
MailsOption = Annotated[
    str,
    typer.Option("--mails", envvar=MAIL_TEMPLATES, help="The packages with templates of emails, between commas."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

# Lines are not wrapped, so that grep finds them whole; names are not read as markup.
console = Console(soft_wrap=True, markup=False, highlight=False)


def reports_failures(command: Callable[P, R]) -> Callable[P, R]:
    """Return the command, made to print a failure to stderr. It exits with 2 for an operator error, 1 if AWS failed."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (*OPERATOR_ERRORS, Unsound, *AWS_FAILURES) as failure:
            line, code = _line_and_code(failure)
            typer.echo(printable(line), err=True)
            if verbose.get():
                typer.echo("".join(traceback.format_exception(failure)), err=True)
        raise typer.Exit(code)

    return run


def _line_and_code(failure: Exception) -> tuple[str, int]:
    if isinstance(failure, NoSuchUser):
        return f"{failure} was deleted meanwhile.", EXIT_OPERATOR_ERROR
    if isinstance(failure, NotReady):
        return f"The stage is not ready ({failure}). Run `gatehouse up` with this file first.", EXIT_OPERATOR_ERROR
    if isinstance(failure, OPERATOR_ERRORS):
        return str(failure), EXIT_OPERATOR_ERROR
    if isinstance(failure, Unsound):
        return str(failure), EXIT_AWS_FAILED
    # The tables are read first: if they are missing, so is the whole stage.
    is_absent = "ResourceNotFoundException" in describe_failure(failure)
    return (NO_STAGE, EXIT_OPERATOR_ERROR) if is_absent else (f"AWS: {describe_failure(failure)}", EXIT_AWS_FAILED)


def show_progress(items: Iterable[T], what: str) -> Iterator[T]:
    """Yield the items, and show on a terminal how many there were so far. what: their name, in the plural."""
    with Console(stderr=True).status(f"0 {what}") as status:
        for number, item in enumerate(items, 1):
            status.update(f"{number} {what}")
            yield item


def read_line() -> str:
    """Return the first line of standard input. Secrets come so, because all processes can see a command's arguments."""
    return sys.stdin.readline().rstrip("\r\n")


def read_password(from_stdin: bool) -> str:
    """Return a password: the first line of standard input, or typed twice unseen."""
    if from_stdin:
        return read_line()
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
