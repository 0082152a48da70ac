"""`gatehouse users export`: write the people of a realm to a file."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.progress import track

from chalicelib.model.clock import SystemClock
from chalicelib.store.configuration.vault import Vault
from chalicelib.store.people.enrolments import EnrolmentStore
from chalicelib.store.people.listing import UserList
from infra.cli.audit import auditing
from infra.cli.options import RealmOption, StageOption, reports_failures
from infra.errors import OperatorError
from infra.move.leaving.export import Export
from infra.stage.aws import reach
from infra.stage.people import People

STDOUT = "-"
WARNING = (
    "The export holds password hashes, and the secrets of second factors in plain text: whoever reads it can make"
    " their codes. Keep it from others, and delete it as soon as it is imported."
)


@reports_failures
def export(
    realm: RealmOption,
    stage: StageOption,
    output: Annotated[str, typer.Option("--output", "-o", help="The file to write; - for standard output.")],
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="With password hashes, second factors and hashes of recovery codes.")
    ] = False,
    user: Annotated[
        str, typer.Option("--user", "-u", help="Only this person: a username, an email or a user_id.")
    ] = "",
) -> None:
    """Write the people of a realm as JSON Lines, as `users import` takes them. Secrets come if you ask for them."""
    reached = reach(stage)
    people = People.of(reached, realm)
    listed = UserList(reached.dynamo, people.realm.users_table)
    enrolments = EnrolmentStore(reached.dynamo, people.realm, SystemClock(), people.tell)
    made = Export(listed, enrolments, Vault(reached.aws, reached.name) if with_secrets else None)
    with ExitStack() as stack:
        file = stack.enter_context(_opened(output))
        if with_secrets:
            typer.echo(WARNING, err=True)
            # It changes nothing, but who took the secrets of a realm is asked after an incident.
            stack.enter_context(auditing(reached, "users export", realm=people.realm.name, user=user))
        count = _write(_only(made, people, user) if user else _all(made), file)
    typer.echo(f"{count} people written.", err=output == STDOUT)


def _all(made: Export) -> Iterator[dict[str, Any]]:
    """Yield the rows of all people, and show on a terminal how far it is."""
    screen = Console(stderr=True)
    total = made.estimate_total() or None
    yield from track(made.all(), "people", total, console=screen, transient=True, disable=not screen.is_terminal)


def _only(made: Export, people: People, who: str) -> Iterator[dict[str, Any]]:
    with ThreadPoolExecutor(1) as lanes:
        yield from made.rows([people.find(who)], lanes)


def _write(rows: Iterator[dict[str, Any]], file: TextIO) -> int:
    count = 0
    for row in rows:
        _put(json.dumps(row, ensure_ascii=False) + "\n", file)
        count += 1
    _put("", file)
    return count


def _put(text: str, file: TextIO) -> None:
    """Write a text, or what is left in the buffer. Raises OperatorError."""
    try:
        file.write(text) if text else file.flush()
    except OSError as error:
        raise _unwritable(file.name, error) from None


@contextmanager
def _opened(output: str) -> Iterator[TextIO]:
    """Yield the file to write. It gets its name when it is whole; its owner alone may read it. Raises OperatorError."""
    if output == STDOUT:
        yield sys.stdout
        return
    path = Path(output)
    try:
        if path.exists() and not path.is_file():
            raise OperatorError(f"{path}: is no file.")
        # Made with mode 0600, under a name that nobody else has.
        number, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise _unwritable(output, error) from None
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            yield file
        Path(beside).replace(path)
    except OSError as error:
        raise _unwritable(output, error) from None
    finally:
        with suppress(FileNotFoundError):
            Path(beside).unlink()


def _unwritable(name: str, error: OSError) -> OperatorError:
    return OperatorError(f"{name}: cannot be written ({error.strerror}).")
