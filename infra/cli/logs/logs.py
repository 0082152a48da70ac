"""`gatehouse logs`: what a stage's functions did, from their logs in CloudWatch."""

import re
import time
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.text import Text

from chalicelib.identifiers import digest
from infra.cli.logs.rows import COLUMNS, row_of
from infra.cli.logs.stats import SLICES, Stats, draw
from infra.cli.options import JsonOption, RealmOption, StageOption, console, reports_failures, show_progress
from infra.cli.output.escapes import printable
from infra.cli.output.tables import print_json, print_table, utc
from infra.cli.people.users import Who
from infra.errors import OperatorError
from infra.stage.aws import Stage, reach
from infra.stage.keys import stage_key
from infra.stage.logs.reading import REQUESTS, LogLine, audit_groups, find_lines, find_lines_of, function_groups
from infra.stage.people import People, may_be_somebody
from infra.tenant.log_codes import LOG_CODES

logs = typer.Typer(
    name="logs", help="Show the log lines of a stage, its figures, and all lines of one user.", no_args_is_help=True
)

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
POLL_S = 2
# A line may reach CloudWatch after a later one.
LATE_MS = 10_000
# The width of the words before the bars.
LABEL = 8


def _since_s(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,4}[smhd]", text):
        raise typer.BadParameter("A time is a number and s, m, h or d, such as 30m.")
    return text


SinceOption = Annotated[
    str, typer.Option("--since", help="How far back: a number and s, m, h or d.", callback=_since_s)
]


@logs.command()
@reports_failures
def tail(
    stage: StageOption,
    since: SinceOption = "1h",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the lines of all functions, oldest first."""
    reached = reach(stage)
    begin_ms, now_ms = _window(since)
    lines = _sorted(find_lines(reached, function_groups(reached), begin_ms, now_ms))
    _show(Stats(lines, begin_ms, now_ms), as_json)
    if follow:
        _follow(reached, lines, now_ms, as_json)


@logs.command()
@reports_failures
def stats(stage: StageOption, since: SinceOption = "1h", as_json: JsonOption = False) -> None:
    """Count the lines by event and client, and show how long requests took. A terminal shows them over time too."""
    reached = reach(stage)
    begin_ms, now_ms = _window(since)
    lines = _sorted(find_lines(reached, function_groups(reached), begin_ms, now_ms, REQUESTS))
    found = Stats([line for line in lines if "status" in line.members], begin_ms, now_ms)
    if as_json:
        print_json(console, found.as_json())
    else:
        _show_stats(found)


@logs.command()
@reports_failures
def user(
    who: Who, realm: RealmOption, stage: StageOption, since: SinceOption = "7d", as_json: JsonOption = False
) -> None:
    """Show all lines of one user, and what operators and backends changed of them. A deleted user_id works too."""
    reached = reach(stage)
    begin_ms, now_ms = _window(since)
    groups = function_groups(reached) + audit_groups(reached)
    lines = _sorted(find_lines_of(reached, groups, begin_ms, now_ms, _names_of(reached, realm, who)))
    _show(Stats(lines, begin_ms, now_ms), as_json)


def _window(since: str) -> tuple[int, int]:
    """Return the beginning and the end of a time until now, in milliseconds."""
    now_ms = int(1000 * time.time())
    # CloudWatch knows no time before 1970.
    return max(0, now_ms - 1000 * int(since[:-1]) * SECONDS[since[-1]]), now_ms


def _sorted(lines: Iterable[LogLine]) -> list[LogLine]:
    """Return lines oldest first. A terminal shows how many there are so far, as CloudWatch may take its time."""
    return sorted(show_progress(lines, "lines"), key=lambda line: line.at_ms)


def _names_of(stage: Stage, realm: str, who: str) -> list[str]:
    """Return what lines call a user: the user_id, or a hash of what was typed, if the attempt was refused."""
    people, mac = People.of(stage, realm), stage_key(stage).mac
    try:
        found = people.find(who)
    except OperatorError:
        return [who, f"name:{digest(who, mac)}"] if may_be_somebody(who) else [who]
    return [found.user_id, *(f"name:{digest(name, mac)}" for name in (found.username, found.email) if name)]


def _show(found: Stats, as_json: bool) -> None:
    if as_json:
        for line in found.lines:
            print_json(console, line.members, indent=None)
        return
    _draw(found, "lines")
    print_table(console, COLUMNS, [row_of(line) for line in found.lines])


def _draw(found: Stats, counted: str) -> None:
    """Draw a terminal's picture of a time: a bar for each slice, as many as fit. counted: what is counted."""
    if _is_terminal():
        over_time = found.over_time(max(1, min(SLICES, console.width - LABEL - 1)))
        console.print(Text(f"{counted:{LABEL}} {draw([all_ for all_, _ in over_time])}", style="green"))
        console.print(Text(f"{'failed':{LABEL}} {draw([failed for _, failed in over_time])}", style="red"))


def _follow(stage: Stage, shown: list[LogLine], until_ms: int, as_json: bool) -> None:
    """Show new lines as they come, each once."""
    known = {line.event_id for line in shown}
    while True:
        stage.pause(POLL_S)
        begin_ms, until_ms = until_ms - LATE_MS, int(1000 * time.time())
        found = sorted(find_lines(stage, function_groups(stage), begin_ms, until_ms), key=lambda line: line.at_ms)
        for line in [line for line in found if line.event_id not in known]:
            if as_json:
                print_json(console, line.members, indent=None)
            else:
                console.print(printable("  ".join(row_of(line)).replace("\n", " ")))
        known = {line.event_id for line in found}


def _show_stats(found: Stats) -> None:
    counts = found.as_json()
    _draw(found, "requests")
    console.print(f"{utc(counts['since'])} to {utc(counts['until'])}")
    total = {"event": "all", "requests": counts["requests"], "failed": counts["failed"], "ms": counts["ms"]}
    rows = [(one["event"], LOG_CODES.get(one["event"], ""), *_figures(one)) for one in [total, *counts["events"]]]
    print_table(console, ("event", "what happened", "requests", "failed", "p50 ms", "p99 ms"), rows)
    rows = [(one["client_id"], *_figures(one)) for one in counts["clients"]]
    print_table(console, ("client", "requests", "failed", "p50 ms", "p99 ms"), rows)


def _is_terminal() -> bool:
    return console.file.isatty()


def _figures(one: dict[str, Any]) -> tuple[str, ...]:
    taken = (str(one["ms"].get(name, "")) for name in ("p50", "p99"))
    return str(one["requests"]), str(one["failed"]), *taken
