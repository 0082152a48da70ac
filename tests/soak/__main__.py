"""`make soak`: send mixed requests to `gatehouse local` for minutes; print rates, latencies, answers and memory."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from rich.table import Table

from tests.soak.tenant import RESULTS, write_tenant
from tests.support.local_run import local_run

PROJECT = Path(__file__).resolve().parents[2]
PEOPLE_FILE = PROJECT / "tests" / "soak" / "people.py"
SAMPLES = 60
MINUTE_S = 60
MIB = 1024 * 1024
WIDE = 130
BARS = "▁▂▃▄▅▆▇█"
# Seconds for requests under way at the end.
STOP_S = 20


@dataclass(frozen=True, slots=True)
class Soak:
    """The load of a run. people: the number of concurrent users."""

    url: str
    people: int
    duration_s: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The server's memory at one moment. after_s: since the start. rss_mib: its resident set."""

    after_s: float
    rss_mib: float


def drive(soak: Soak, server_pid: int, directory: Path) -> tuple[dict[str, Any], list[Sample]]:
    """Run locust; return its results, and the server's memory meanwhile. Raises RuntimeError."""
    results = directory / "results.json"
    options = {
        "--locustfile": str(PEOPLE_FILE),
        "--host": soak.url.rstrip("/"),
        "--users": str(soak.people),
        "--spawn-rate": str(soak.people),
        "--run-time": f"{soak.duration_s}s",
        "--stop-timeout": str(STOP_S),
        "--loglevel": "WARNING",
        "--exit-code-on-error": "0",
    }
    words = [word for pair in options.items() for word in pair]
    command = [sys.executable, "-m", "locust", "--headless", *words]
    environment = os.environ | {RESULTS: str(results), "PYTHONPATH": str(PROJECT)}
    log = directory / "locust.txt"
    with (
        log.open("w", encoding="utf-8") as out,
        subprocess.Popen(command, cwd=directory, env=environment, stdout=out, stderr=out) as locust,
    ):
        try:
            samples = _watch(locust, psutil.Process(server_pid), soak.duration_s / SAMPLES)
        finally:
            locust.terminate()
    if locust.returncode:
        raise RuntimeError(f"locust failed: {log.read_text('utf-8')}")
    return json.loads(results.read_text("utf-8")), samples


def _watch(locust: subprocess.Popen[bytes], server: psutil.Process, every_s: float) -> list[Sample]:
    started, samples = time.monotonic(), []
    while True:
        samples.append(Sample(time.monotonic() - started, server.memory_info().rss / MIB))
        try:
            locust.wait(every_s)
        except subprocess.TimeoutExpired:
            continue
        return samples


def is_explained(measured: dict[str, Any]) -> bool:
    """Return whether there were answers, and all were expected ones."""
    return bool(measured["kinds"]) and not measured["unexplained"]


def kinds_table(kinds: dict[str, dict[str, Any]]) -> Table:
    """Return one row for each kind of request. Latencies are milliseconds, as locust rounds them."""
    table = Table("kind", "requests", "a second", "p50 ms", "p95 ms", "p99 ms", "answers")
    for kind, measured in sorted(kinds.items()):
        times = [f"{measured[name]:.0f}" for name in ("p50_ms", "p95_ms", "p99_ms")]
        answers = ", ".join(f"{answer}: {number}" for answer, number in sorted(measured["answers"].items()))
        table.add_row(kind, str(measured["requests"]), f"{measured['per_s']:.1f}", *times, answers)
    return table


def memory_lines(samples: list[Sample]) -> list[str]:
    """Return the memory as bars, and its values at the start of each minute and at the end."""
    low, high = min(one.rss_mib for one in samples), max(one.rss_mib for one in samples)
    bars = [BARS[int((one.rss_mib - low) / (high - low or 1) * (len(BARS) - 1))] for one in samples]
    minutes = {int(one.after_s // MINUTE_S): one for one in reversed(samples)}
    shown = dict.fromkeys([*(minutes[minute] for minute in sorted(minutes)), samples[-1]])
    values = ", ".join(f"{one.rss_mib:.0f} after {one.after_s:.0f} s" for one in shown)
    return [f"{low:.0f} MiB {''.join(bars)} {high:.0f} MiB", f"MiB: {values}"]


def main(
    minutes: Annotated[float, typer.Option(help="How long to drive the server.", min=0.1)] = 5,
    people: Annotated[int, typer.Option(help="How many people act at once.", min=1)] = 8,
) -> None:
    """Soak `gatehouse local`; exit 1 if a request got an answer that it is not expected to get."""
    console = Console(width=max(WIDE, Console().width), soft_wrap=True)
    with TemporaryDirectory() as made:
        directory = Path(made)
        with local_run(directory, "--tenant", str(write_tenant(directory, people))) as run:
            soak = Soak(run.url, people, int(minutes * MINUTE_S))
            measured, samples = drive(soak, run.process.pid, directory)
    console.print(kinds_table(measured["kinds"]))
    console.print(f"Memory of the server, with all that moto keeps for it, over {soak.duration_s} s:")
    console.print("\n".join(memory_lines(samples)), highlight=False)
    for error, number in measured["unexplained"].items():
        console.print(f"Unexplained: {number} of {error}", markup=False)
    raise typer.Exit(0 if is_explained(measured) else 1)


if __name__ == "__main__":
    typer.run(main)
