"""`gatehouse users import`: bring people from a file into a realm."""

import itertools
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache, partial
from pathlib import Path
from typing import Annotated, BinaryIO, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.store.configuration.documents import realm_from
from chalicelib.store.configuration.vault import Vault
from chalicelib.store.people.listing import UserList
from infra.cli.audit import auditing
from infra.cli.options import JsonOption, RealmOption, StageOption, console, reports_failures
from infra.cli.output.tables import print_json
from infra.errors import OperatorError
from infra.move.people.dry_run import DryRun
from infra.move.people.factors import FactorSealer
from infra.move.people.faults import RowFault
from infra.move.people.foreign.firebase import parse_hash_config
from infra.move.people.forms import Form, guess_form, names_somebody
from infra.move.people.importing import Import
from infra.move.people.ledger import Ledger, State, read_state, write_state
from infra.move.people.pace import Pace
from infra.move.people.person import PersonMaker
from infra.move.people.reading.layouts import Layout, layout_of, read_rows
from infra.move.people.reading.source import STDIN, Source, fingerprint, open_source
from infra.move.people.writing import Writer
from infra.stage.aws import Stage, reach
from infra.stage.people import find_realm
from infra.text_file import read_text

EXIT_SOME_REJECTED = 3
EXIT_INTERRUPTED = 130
GUESSED_ROWS = 20


@reports_failures
def import_(
    file: Annotated[str, typer.Argument(help="JSON, JSON Lines or CSV, plain or gzip; - for standard input.")],
    realm: RealmOption,
    stage: StageOption,
    form: Annotated[Form | None, typer.Option("--format", help="Guessed from the rows if it is left out.")] = None,
    firebase_hash_config: Annotated[Path | None, typer.Option(help="Firebase's hash parameters.")] = None,
    upsert: Annotated[bool, typer.Option("--upsert", help="Update those who are there.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing, and report the same.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on behind the last row that is done.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write each rejected row to this file, as JSON Lines.")] = None,
    state: Annotated[Path | None, typer.Option(help="Keep here how far it is; beside FILE by default.")] = None,
    max_writes_per_s: Annotated[int, typer.Option(min=0, help="DynamoDB's write units a second; 0: no limit.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Import people from a file. Exit code 0: all are in; 3: some rows were rejected; 2: nothing could be read."""
    reached = reach(stage)
    found = find_realm(reached, realm)
    kept = _require_apart(state or _state_path(file, stage, found.name), Path(file), report)
    with ExitStack() as stack:
        source = stack.enter_context(open_source(file))
        rows, guessed = _rows(source, form, file)
        begun = State(secrets.token_hex(16), stage, found.name, guessed, upsert, fingerprint(file))
        current = _current(begun, kept) if resume and not dry_run else begun
        if current.is_finished:
            return _show(current, as_json)
        keep: Callable[[State], None] = (lambda _: None) if dry_run else partial(write_state, kept)
        keep(current)
        ledger = Ledger(current, keep, stack.enter_context(_report(report, current)) if report else None)
        writer = Writer(
            reached.dynamo, found.users_table, Pace(max_writes_per_s, time.monotonic, reached.pause),
            _others(reached, found.users_table), upsert, DryRun() if dry_run else None,
        )  # fmt: skip
        sealer = _sealer(reached, guessed)
        maker = PersonMaker(found, guessed, current.import_id, sealer, _hashing(firebase_hash_config))
        running = Import(maker, writer, ledger, stack.enter_context(_progress(source, is_shown=not as_json)))
        with nullcontext() if dry_run else _auditing(reached, found.name, ledger):
            _run(running, rows)
    _show(ledger.state, as_json)
    if ledger.state.failed:
        _exit_some_rejected(bool(report))


def _exit_some_rejected(has_report: bool) -> NoReturn:
    if not has_report:
        typer.echo("For the reasons, run it again with --report FILE.", err=True)
    raise typer.Exit(EXIT_SOME_REJECTED)


def _sealer(stage: Stage, form: Form) -> FactorSealer:
    make_key = cache(Vault(stage.aws, stage.name).new_shared_key)
    return FactorSealer(make_key, int(time.time()), takes_own=form is Form.GATEHOUSE)


def _hashing(path: Path | None) -> dict[str, object] | None:
    return parse_hash_config(read_text(path)) if path else None


def _current(begun: State, kept: Path) -> State:
    """Return the state to resume from. Raises OperatorError if it is of another import."""
    before = read_state(kept)
    if before and not before.is_of(begun):
        raise OperatorError(f"{kept} is of another import, or the file has changed. Import it without --resume.")
    return before or begun


def _run(running: Import, rows: Iterator[object]) -> None:
    try:
        running.run(rows)
    except KeyboardInterrupt:
        typer.echo(f"Interrupted after row {running.ledger.state.settled}. Go on with --resume.", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    except TemporarilyUnavailable:
        typer.echo(f"Stopped after row {running.ledger.state.settled}. Go on with --resume.", err=True)
        raise


def _rows(source: Source, form: Form | None, name: str) -> tuple[Iterator[object], Form]:
    """Return the rows of a source, and their form. Raises OperatorError if there is nothing to read."""
    layout = Layout.CSV if form is Form.CSV else layout_of(source.head)
    rows = read_rows(source, layout)
    first = list(itertools.islice(rows, GUESSED_ROWS))
    is_empty = not first and layout not in (Layout.ARRAY, Layout.WITHIN)
    is_foreign = layout is Layout.CSV and form is None and not any(map(names_somebody, first))
    if is_empty or is_foreign or (first and all(isinstance(one, RowFault) for one in first)):
        raise OperatorError(
            f"{name}: holds no rows of people. It must be JSON, JSON Lines or CSV with a header, in UTF-8."
        )
    return itertools.chain(first, rows), form or guess_form(first, layout is Layout.CSV)


def _state_path(file: str, stage: str, realm: str) -> Path:
    path = Path("standard-input" if file == STDIN else file)
    return path.with_name(f"{path.name}.{stage}-{realm}.import")


def _require_apart(state: Path, file: Path, report: Path | None) -> Path:
    """Return the path of the state. Raises OperatorError if two of the paths are one file: the people would be lost."""
    paths = [path for path in (file, state, report) if path]
    for one, other in itertools.combinations(paths, 2):
        if one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other)):
            raise OperatorError(f"{other}: is named twice. The people, --state and --report each need their own file.")
    return state


@contextmanager
def _report(path: Path, state: State) -> Iterator[BinaryIO]:
    """Open the report behind what is settled. Raises OperatorError."""
    try:
        with path.open("r+b" if state.settled and path.exists() else "wb") as file:
            file.truncate(state.report_bytes if state.settled else 0)
            file.seek(0, 2)
            yield file
    except OSError as error:
        raise OperatorError(f"{path}: cannot be written ({error.strerror}).") from None


def _others(stage: Stage, table: str) -> tuple[str, ...]:
    """Return the tables of other realms that have people."""
    stored = (realm_from(one) for key, one in stage.config().documents() if key.startswith("realm#"))
    tables = (realm.users_table for realm in stored if realm.users_table != table)
    return tuple(one for one in tables if any(UserList(stage.dynamo, one).profiles("", 1)))


@contextmanager
def _progress(source: Source, is_shown: bool) -> Iterator[Callable[[], object]]:
    """Show on a terminal how much of the file was read, how many rows a second, and the time that is left."""
    screen, began, count = Console(stderr=True), time.monotonic(), itertools.count(1)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    is_off = not is_shown or not screen.is_terminal
    with Progress(*columns, console=screen, transient=True, disable=is_off) as progress:
        task = progress.add_task("people", total=source.size_bytes or None)

        def tell() -> None:
            if (number := next(count)) % 100 == 0 and not is_off:
                rate = number / max(time.monotonic() - began, 0.001)
                progress.update(task, completed=source.read_bytes, description=f"{number} people, {rate:.0f}/s")

        yield tell


@contextmanager
def _auditing(stage: Stage, realm: str, ledger: Ledger) -> Iterator[None]:
    """Audit an import, also one that is interrupted: how many people it brought in."""
    with auditing(stage, "users import", realm=realm) as audited:
        try:
            yield
        finally:
            audited.whom["people"] = _in_words(ledger.state)


def _in_words(state: State) -> list[str]:
    return [f"{state.inserted} inserted", f"{state.updated} updated", f"{state.failed} failed"]


def _show(state: State, as_json: bool) -> None:
    counts = {"inserted": state.inserted, "updated": state.updated, "failed": state.failed}
    if as_json:
        print_json(console, {"total": state.settled, **counts})
    else:
        console.print(f"{state.settled} rows: {', '.join(f'{number} {kind}' for kind, number in counts.items())}.")
