"""The results of one run, and their budgets."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.fitness import Fitness
from tests.bench.measure import Cost
from tests.bench.process import LATE, ColdStart, Memory
from tests.bench.scenarios import JWKS, LADEN_LOGIN, PASSWORD_LOGIN, REFRESHED, USERINFO
from tests.bench.statistics import Interval, Spread
from tests.bench.timing import Gap
from tests.support.fake_aws.units import Units

MEBIBYTE = 1024 * 1024
LOGIN_CPU, REFRESH_CPU = "password login, CPU over one bcrypt", "refresh, CPU"
COLD_START_CPU = "cold start to the first token, CPU"
KEPT, OVER, UNFIT = 0, 1, 3
FILE = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; less is better. budget: above it, the run fails. goal: the later aim."""

    name: str
    measured: float
    unit: str
    budget: float
    goal: float

    @property
    def is_over(self) -> bool:
        """Whether the budget is exceeded."""
        return self.measured > self.budget


@dataclass(frozen=True, slots=True)
class Results:
    """One run. machine: the facts of machine, revision and date. imports_ms: by package."""

    machine: dict[str, str]
    fitness: Fitness
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

    def save(self, file: Path = FILE) -> None:
        """Write the results to a file."""
        file.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")


def load(file: Path = FILE) -> Results:
    """Return the results of a file."""
    stored: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return Results(
        machine=stored["machine"],
        fitness=Fitness(**stored["fitness"] | {"anchor_ms": Spread(**stored["fitness"]["anchor_ms"])}),
        bcrypt_ms=Spread(**stored["bcrypt_ms"]),
        costs=tuple(_read_cost(one) for one in stored["costs"]),
        cold_start=ColdStart(**stored["cold_start"]),
        imports_ms=stored["imports_ms"],
        memory=Memory(**stored["memory"]),
        zip_bytes=stored["zip_bytes"],
        gaps=tuple(Gap(one["name"], Interval(**one["cpu"]), Interval(**one["wall"])) for one in stored["gaps"]),
    )


def _read_cost(stored: dict[str, Any]) -> Cost:
    spreads = {name: Spread(**stored[name]) for name in ("cpu_ms", "ratio")}
    return Cost(**stored | spreads | {"units": Units(*stored["units"])})


def judge(results: Results) -> int:
    """Return the exit code of a run: UNFIT, which says nothing of the budgets, OVER if one is exceeded, or KEPT."""
    if results.fitness.faults():
        return UNFIT
    return OVER if any(figure.is_over for figure in figures(results)) else KEPT


def figures(results: Results) -> list[Figure]:
    """Return the figures that have a budget."""
    login, laden = results.cost(PASSWORD_LOGIN), results.cost(LADEN_LOGIN)
    refresh, userinfo = results.cost(REFRESHED), results.cost(USERINFO)
    laden_beyond = (laden.units.write - login.units.write, laden.units.read - login.units.read)
    return [
        Figure(LOGIN_CPU, login.ratio.median, "", 1.05, 1.03),
        Figure(REFRESH_CPU, refresh.cpu_ms.median, "ms", 1.6, 1.0),
        Figure("userinfo, CPU", userinfo.cpu_ms.median, "ms", 0.8, 0.5),
        Figure(COLD_START_CPU, results.cold_start.cpu_s, "s", 0.28, 0.20),
        Figure(f"memory after {LATE:,} logins", results.memory.late_bytes / MEBIBYTE, "MiB", 45, 40),
        Figure("password login, AWS calls", login.calls, "", 5, 4),
        Figure("password login, rounds", login.rounds, "", 3, 3),
        Figure("refresh, AWS calls", refresh.calls, "", 3, 3),
        Figure("refresh, rounds", refresh.rounds, "", 2, 2),
        Figure("JWKS, AWS calls", results.cost(JWKS).calls, "", 0, 0),
        Figure("password login, write units", login.units.write, "", 2, 2),
        Figure("password login, read units", login.units.read, "", 4, 2),
        Figure("login with 64 KiB of metadata, write units beyond a plain one's", laden_beyond[0], "", 0, 0),
        Figure("login with 64 KiB of metadata, read units beyond a plain one's", laden_beyond[1], "", 0, 0),
        Figure("deployment zip", results.zip_bytes / MEBIBYTE, "MiB", 15, 10),
        *(Figure(f"time, {one.name}", abs(one.cpu.value), "% of a bcrypt", 2, 2) for one in results.gaps),
    ]
