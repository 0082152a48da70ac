"""`python -m tests.bench`: measure, print the results beside the budgets, and exit 1 if one is exceeded.

It exits 3, and judges nothing, if the machine is not quiet enough.
"""

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests.bench import growth, importing, metrics, report, timing
from tests.bench.fitness import judge_load, read_load
from tests.bench.measure import POPULATION, Bench, measure_rounds
from tests.bench.people import COST, add_people, hash_password
from tests.bench.picture import draw
from tests.bench.process import cold_start, imports_ms, memory
from tests.bench.profiling import profile_scenario
from tests.bench.results import UNFIT, Results, judge, load
from tests.bench.scenarios import PASSWORD_LOGIN, SCENARIOS
from tests.bench.serving import serving
from tests.bench.set_up import PROJECT, package, provision, python
from tests.support.fake_aws.process import StubProcess, stub

ROUNDS, STARTS, GUESSES = 60, 7, 400
MINUTE_S = 60

command = typer.Typer(help=__doc__, pretty_exceptions_enable=False, invoke_without_command=True)


@command.callback()
def run(
    context: typer.Context,
    docs: Annotated[bool, typer.Option("--docs", help="Write the results of the last run into docs/.")] = False,
) -> None:
    """Measure everything that has a budget, and write tests/bench/results.json."""
    if context.invoked_subcommand:
        return
    if docs:
        _write_docs()
        return
    load_before = read_load()
    _require_fit(judge_load(load_before))
    zip_bytes = package().stat().st_size
    with prepare() as (aws, app_secrets):
        results = measure(aws, app_secrets, load_before, zip_bytes)
    results.save()
    for table in report.tables(results):
        table.show(Console())
    raise typer.Exit(judge(results))


@command.command()
def profile(name: Annotated[str, typer.Argument(help="A scenario.")] = PASSWORD_LOGIN) -> None:
    """Show which functions use the CPU of a scenario, without bcrypt."""
    with prepare() as (aws, _):
        for table in profile_scenario(next(one for one in SCENARIOS if one.name == name), aws):
            table.show(Console())


@command.command("growth")
def growth_command() -> None:
    """Measure whether cost grows with users, realms and clients; exit 1 if it does."""
    package()
    points = growth.measure_growth(python())
    growth.save(points)
    report.growth_table(points).show(Console())
    raise typer.Exit(growth.has_grown(points))


@command.command("import")
def import_command() -> None:
    """Measure the import of people: its rate and its memory; exit 1 if one is outside of its budget."""
    small, large = importing.measure_imports()
    report.imports_table(small, large).show(Console())
    raise typer.Exit(importing.has_failed(small, large))


@command.command("metrics")
def metrics_command() -> None:
    """Measure what the metrics in a login's log line cost; exit 1 if it is more than their budget."""
    added_s, over_bcrypt = metrics.measure_metrics()
    report.metrics_table(added_s, over_bcrypt).show(Console())
    raise typer.Exit(metrics.has_failed(over_bcrypt))


def _require_fit(faults: list[str]) -> None:
    if faults:
        typer.echo(f"unfit to be judged: {'; '.join(faults)}", err=True)
        raise typer.Exit(UNFIT)


def _write_docs() -> None:
    results, points = load(), growth.load()
    _require_fit(results.fitness.faults())
    report.write(report.PAGE, "results", report.tables(results))
    report.write(report.PAGE, "peers", [report.peers_table(results)])
    report.write(report.PAGE, "growth", [report.growth_table(points)])
    (report.DOCS / "run" / "growth.svg").write_text(draw(points), "utf-8")


@contextmanager
def prepare() -> Iterator[tuple[StubProcess, dict[str, str]]]:
    """Yield a fake AWS with a stage of POPULATION users, and the app secrets of those who have an app."""
    with stub() as aws:
        app_secrets = add_people(provision())
        aws.control(population=POPULATION)
        yield aws, app_secrets


def measure(aws: StubProcess, app_secrets: dict[str, str], load_before: float, zip_bytes: int) -> Results:
    """Return the results of all measurements. load_before: the machine's load before the run."""
    interpreter = python()
    cold = cold_start(interpreter, aws, STARTS)
    with serving(interpreter, aws) as process, serving(interpreter, aws, COST, "ten_rules") as serving_rules:
        bench = Bench(process, aws, serving_rules, app_secrets)
        samples = measure_rounds(bench, SCENARIOS, hash_password(COST), ROUNDS)
        costs = samples.costs(bench, SCENARIOS)
        gaps = timing.gaps(process, hash_password(COST), GUESSES)
    imports, memory_bytes = imports_ms(interpreter, aws), memory(interpreter, aws)
    return Results(
        machine=_describe_machine(),
        fitness=samples.fitness(load_before),
        bcrypt_ms=samples.bcrypt_ms(),
        costs=costs,
        cold_start=cold,
        imports_ms=imports,
        memory=memory_bytes,
        zip_bytes=zip_bytes,
        gaps=tuple(gaps),
    )


def _describe_machine() -> dict[str, str]:
    models = [line for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines() if line.startswith("model name")]
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return {
        "revision": revision.stdout.strip(),
        "date": datetime.now(UTC).date().isoformat(),
        "processor": f"{models[0].partition(': ')[2]}, {os.cpu_count()} cores",
        "Python": platform.python_version(),
    }


if __name__ == "__main__":
    command()
