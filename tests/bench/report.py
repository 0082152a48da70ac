"""Make tables of the results, for a terminal and for docs/run/performance.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from tests.bench.growth import Point
from tests.bench.importing import LEAST_A_MINUTE, MOST_GROWTH_MIB, Imported, rate_per_minute
from tests.bench.metrics import MOST_OF_BCRYPT
from tests.bench.process import EARLY, LATE
from tests.bench.results import COLD_START_CPU, LOGIN_CPU, MEBIBYTE, REFRESH_CPU, Results, figures
from tests.bench.statistics import Spread

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "run" / "performance.md"
ELSEWHERE = "elsewhere, once"
# They keep their data in the process or beside it, and sign in it. As performance.md says, none is a part of the bench.
PEERS = (
    ("oidc-provider on Node, with a bcrypt in C", "0.89 to 0.99", "0.7 to 1.2", "0.25 to 0.35"),
    ("bare WSGI", "1.03", "", "0.3"),
    ("Authlib", "1.07 to 1.10", "3.6 to 3.9", "0.9"),
    ("Chalice with 3 boto3 calls", "1.08", "", ""),
    ("django-oauth-toolkit, client secrets not hashed", "1.09 to 1.13", "7.1 to 8.9", "0.9"),
    ("Chalice with 5 boto3 calls", "1.13 to 1.15", "", ""),
    ("django-oauth-toolkit as shipped", "2.04", "", ""),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts; the first column names the row."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def markdown(self) -> str:
        """Return the table as Markdown."""
        lines = [self.columns, ("---", *("---:" for _ in self.columns[1:])), *self.rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def show(self, console: Console) -> None:
        """Print the table."""
        table = RichTable(*self.columns)
        for row in self.rows:
            table.add_row(*row)
        console.print(table)


def tables(results: Results) -> list[Table]:
    """Return all tables of a run, the budgets last, or why it is unfit to be judged."""
    faults = results.fitness.faults()
    verdict = Table(("unfit to be judged, because",), [(fault,) for fault in faults]) if faults else _budgets(results)
    return [_machine(results), _costs(results), _process(results), _gaps(results), verdict]


def peers_table(results: Results) -> Table:
    """Return Gatehouse's figures of this run beside those of others, which were measured elsewhere."""
    named = {figure.name: figure for figure in figures(results)}
    compared = [named[name] for name in (LOGIN_CPU, REFRESH_CPU, COLD_START_CPU)]
    rows = [
        ("**Gatehouse**", *(f"{figure.measured:.3g}" for figure in compared), "in the run above"),
        ("its budget", *(f"{figure.budget:g}" for figure in compared), ""),
        ("its goal", *(f"{figure.goal:g}" for figure in compared), ""),
        *((*peer, ELSEWHERE) for peer in PEERS),
    ]
    return Table(("server", "login over one bcrypt", "refresh, CPU ms", "cold start, CPU s", "measured"), rows)


def growth_table(points: Sequence[Point]) -> Table:
    """Return the table of the picture of growth."""
    rows = [
        (
            f"{point.kind}: {point.size:,}",
            point.request,
            _spread(point.cpu_ms),
            f"{point.beyond.value:+.1f} % ({point.beyond.low:+.1f} to {point.beyond.high:+.1f})",
            f"{point.calls} in {point.rounds}",
            str(point.size_bytes),
        )
        for point in points
    ]
    columns = ("there are", "request", "CPU, ms", "beyond the smallest", "AWS calls in rounds", "bytes to and from AWS")
    return Table(columns, rows)


def imports_table(small: Imported, large: Imported) -> Table:
    """Return the rate of the import, and the growth of its memory."""
    growth = f"{small.peak_mib:.1f} and {large.peak_mib:.1f} MiB ({large.peak_mib - small.peak_mib:+.1f})"
    rows = [
        ("people a minute of one core", f"{rate_per_minute(small, large):,.0f}", f"{LEAST_A_MINUTE:,} or more"),
        (f"memory at {small.people:,} and {large.people:,} people", growth, f"+{MOST_GROWTH_MIB} or less"),
    ]
    return Table(("users import", "measured", "budget"), rows)


def metrics_table(added_s: Spread, over_bcrypt: Spread) -> Table:
    """Return what the metrics add to a login: their CPU, and that over one bcrypt."""
    rows = [
        ("CPU, ms", f"{1000 * added_s.median:.4f} ({1000 * added_s.low:.4f} to {1000 * added_s.high:.4f})", "0.1"),
        (
            "over one bcrypt",
            f"{over_bcrypt.median:.5f} ({over_bcrypt.low:.5f} to {over_bcrypt.high:.5f})",
            f"{MOST_OF_BCRYPT:.5f}",
        ),
    ]
    return Table(("metrics in a login", "measured", "budget"), rows)


def write(page: Path, name: str, made: Sequence[Table]) -> None:
    """Put tables between the markers of that name on a page."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, _, rest = page.read_text("utf-8").partition(begin)
    after = rest.partition(end)[2]
    page.write_text(before + begin + "\n".join(table.markdown() for table in made) + end + after, "utf-8")


def _machine(results: Results) -> Table:
    fitness = results.fitness
    rows = [
        *results.machine.items(),
        ("load before the run, and the highest in it", f"{fitness.load_before:.2f}, {fitness.load_during:.2f}"),
        ("one bcrypt, cost 10", f"{_spread(results.bcrypt_ms)} ms"),
        ("the anchor", f"{_spread(fitness.anchor_ms)} ms, {fitness.anchor_ratio:.4f} of a bcrypt"),
    ]
    return Table(("run", ""), rows)


def _costs(results: Results) -> Table:
    rows = [
        (
            cost.name,
            _spread(cost.cpu_ms),
            f"{cost.ratio.median:.3f} ({cost.ratio.low:.3f} to {cost.ratio.high:.3f})",
            f"{cost.calls} in {cost.rounds}",
            f"{cost.units.write:g} + {cost.units.read:g}",
            str(cost.size_bytes),
        )
        for cost in results.costs
    ]
    counted = ("AWS calls in rounds", "write + read units", "bytes to and from AWS")
    return Table(("request", "CPU, ms", "over one bcrypt", *counted), rows)


def _process(results: Results) -> Table:
    early, late = results.memory.early_bytes / MEBIBYTE, results.memory.late_bytes / MEBIBYTE
    imports = ", ".join(f"{name} {ms:.0f}" for name, ms in results.imports_ms.items())
    rows = [
        ("cold start to the first token", f"{results.cold_start.cpu_s:.3f} s CPU, {results.cold_start.wall_s:.3f} s"),
        ("imports at the start, ms", imports),
        (f"memory after {EARLY} logins", f"{early:.1f} MiB"),
        (f"memory after {LATE:,} logins", f"{late:.1f} MiB ({late - early:+.1f})"),
    ]
    return Table(("process", "measured"), rows)


def _gaps(results: Results) -> Table:
    rows = [
        (gap.name, *(f"{one.value:+.2f} ({one.low:+.2f} to {one.high:+.2f})" for one in (gap.cpu, gap.wall)))
        for gap in results.gaps
    ]
    return Table(("median time, in % of one bcrypt", "CPU", "wall"), rows)


def _budgets(results: Results) -> Table:
    rows = [
        (
            figure.name,
            f"{figure.measured:.4g} {figure.unit}".strip(),
            f"{figure.budget:g}",
            f"{figure.goal:g}",
            "over" if figure.is_over else "goal" if figure.measured <= figure.goal else "kept",
        )
        for figure in figures(results)
    ]
    return Table(("figure", "measured", "budget", "goal", ""), rows)


def _spread(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.low:.2f} to {spread.high:.2f})"
