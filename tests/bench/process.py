"""Measure a process: its cold start, its imports, and its memory after many logins."""

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.people import CHEAP_COST, COST, HURRIED, username
from tests.bench.scenarios import PASSWORD_LOGIN, SCENARIOS
from tests.bench.serving import environment, serving
from tests.bench.set_up import BUILD
from tests.support.fake_aws.process import StubProcess

EARLY, LATE = 100, 10_000
US_PER_MS = 1_000
LISTED = 12
# The fastest of them counts, because imports are timed by the wall clock.
IMPORT_RUNS = 3
_IMPORT = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*(\S+)")
_LOGIN = next(scenario for scenario in SCENARIOS if scenario.name == PASSWORD_LOGIN).steps[0]


@dataclass(frozen=True, slots=True)
class ColdStart:
    """The time from the start of a process to its first token, with the login's bcrypt."""

    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class Memory:
    """The resident set of one process after EARLY and after LATE logins, in bytes."""

    early_bytes: int
    late_bytes: int


def cold_start(python: Path, aws: StubProcess, times: int) -> ColdStart:
    """Start processes one after another; return the medians."""
    cpu_s, wall_s = [], []
    for number in range(1, times + 1):
        with serving(python, aws) as process:
            cpu_s.append(process.serve(_LOGIN({"username": username(number)})).process_cpu_s)
            wall_s.append(time.monotonic() - process.began)
    return ColdStart(median(cpu_s), median(wall_s))


def imports_ms(python: Path, aws: StubProcess) -> dict[str, float]:
    """Return the import times of the slowest packages at the start, in milliseconds, the slowest first."""
    command = [str(python), "-X", "importtime", "-c", "import app"]
    runs = [
        subprocess.run(
            command, cwd=BUILD / "task", env=environment(aws, COST), capture_output=True, text=True, check=True
        )
        for _ in range(IMPORT_RUNS)
    ]
    own = min((_by_package(run.stderr) for run in runs), key=lambda found: sum(found.values()))
    return dict(sorted(own.items(), key=lambda item: -item[1])[:LISTED])


def _by_package(report: str) -> dict[str, float]:
    own: dict[str, float] = {}
    for us, name in _IMPORT.findall(report):
        package = name.partition(".")[0]
        own[package] = own.get(package, 0) + int(us) / US_PER_MS
    return own


def memory(python: Path, aws: StubProcess) -> Memory:
    """Serve LATE logins of as many users in one process; return its resident set early and late.

    The hashes are cheap, to save time.
    """
    measured = {}
    with serving(python, aws, CHEAP_COST) as process:
        for number in range(1, LATE + 1):
            process.serve(_LOGIN({"username": username(number, HURRIED)}))
            if number in (EARLY, LATE):
                measured[number] = process.rss_bytes()
    return Memory(measured[EARLY], measured[LATE])
