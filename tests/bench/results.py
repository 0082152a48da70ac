"""The results of one run, and their budgets."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.measure import Cost
from tests.bench.process import ColdStart, Memory
from tests.bench.scenarios import JWKS, PASSWORD_LOGIN, REFRESHED
from tests.bench.statistics import Interval, Spread
from tests.bench.timing import Gap

MEBIBYTE = 1024 * 1024
FILE = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure and its budgets; less is better. first: above it, the run fails. goal: the later aim."""

    name: str
    measured: float
    unit: str
    first: float
    goal: float

    @property
    def is_over(self) -> bool:
        """Whether the first budget is exceeded."""
        return self.measured > self.first


@dataclass(frozen=True, slots=True)
class Results:
    """One run. machine: the facts of machine, revision and date. imports_ms: by package."""

    machine: dict[str, str]
    bcrypt_ms: Spread
    costs: tuple[Cost, ...]
    cold_start: ColdStart
    imports_ms: dict[str, float]
    memory: Memory
    zip_bytes: int
    gaps: tuple[Gap, ...]

    def cost(self, name: str) -> Cost:
        """Return the cost of a scenario."""
        return next(cost for cost in self.costs if cost.name == name)

    def save(self) -> None:
        """Write the results to FILE."""
        FILE.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")


def load() -> Results:
    """Return the results of FILE."""
    stored: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return Results(
        machine=stored["machine"],
        bcrypt_ms=Spread(**stored["bcrypt_ms"]),
        costs=tuple(
            Cost(**one | {name: Spread(**one[name]) for name in ("cpu_ms", "ratio")}) for one in stored["costs"]
        ),
        cold_start=ColdStart(**stored["cold_start"]),
        imports_ms=stored["imports_ms"],
        memory=Memory(**stored["memory"]),
        zip_bytes=stored["zip_bytes"],
        gaps=tuple(Gap(one["name"], Interval(**one["cpu"]), Interval(**one["wall"])) for one in stored["gaps"]),
    )


def is_over(results: Results) -> bool:
    """Return whether a first budget is exceeded."""
    return any(figure.is_over for figure in figures(results))


def figures(results: Results) -> list[Figure]:
    """Return the figures that have a budget."""
    login, refresh = results.cost(PASSWORD_LOGIN), results.cost(REFRESHED)
    return [
        Figure("password login, CPU over one bcrypt", login.ratio.median, "", 1.12, 1.05),
        Figure("refresh, CPU", refresh.cpu_ms.median, "ms", 4.0, 2.5),
        Figure("password login, AWS calls", login.calls, "", 5, 3),
        Figure("password login, rounds", login.rounds, "", 3, 2),
        Figure("refresh, AWS calls", refresh.calls, "", 3, 2),
        Figure("refresh, rounds", refresh.rounds, "", 2, 2),
        Figure("JWKS, AWS calls", results.cost(JWKS).calls, "", 0, 0),
        Figure("cold start to the first token, CPU", results.cold_start.cpu_s, "s", 0.6, 0.3),
        Figure("deployment zip", results.zip_bytes / MEBIBYTE, "MiB", 15, 10),
        *(Figure(f"time, {one.name}", abs(one.cpu.value), "% of a bcrypt", 2, 2) for one in results.gaps),
    ]
