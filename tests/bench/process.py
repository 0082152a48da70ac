"""A process as a whole: from its start to the first token, what it imports, and its memory after a long life."""

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

EARLY, LATE = 100, 10_000
US_PER_MS = 1_000
LISTED = 12
# The quickest of them counts: importing is timed by the wall.
IMPORT_RUNS = 3
_IMPORT = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*(\S+)")
_LOGIN = next(scenario for scenario in SCENARIOS if scenario.name == PASSWORD_LOGIN).steps[0]


@dataclass(frozen=True, slots=True)
class ColdStart:
    """From the start of a process to its first token, the bcrypt of the login among it."""

    cpu_s: float
    wall_s: float


@dataclass(frozen=True, slots=True)
class Memory:
    """The resident set of one process after EARLY and after LATE logins, in bytes."""

    early_bytes: int
    late_bytes: int


def cold_start(python: Path, url: str, times: int) -> ColdStart:
    """Start processes one after another; return the medians."""
    cpu_s, wall_s = [], []
    for number in range(1, times + 1):
        with serving(python, url) as process:
            cpu_s.append(process.serve(_LOGIN({"username": username(number)})).process_cpu_s)
            wall_s.append(time.monotonic() - process.began)
    return ColdStart(median(cpu_s), median(wall_s))


def imports_ms(python: Path, url: str) -> dict[str, float]:
    """Return the milliseconds that each package's modules took to import as the process starts, the slowest first."""
    command = [str(python), "-X", "importtime", "-c", "import app"]
    runs = [
        subprocess.run(
            command, cwd=BUILD / "task", env=environment(url, COST), capture_output=True, text=True, check=True
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


def memory(python: Path, url: str) -> Memory:
    """Let one process serve LATE logins by as many people; return what it had resident early and late.

    Their hashes are cheap, so that it takes no longer than it must.
    """
    measured = {}
    with serving(python, url, CHEAP_COST) as process:
        for number in range(1, LATE + 1):
            process.serve(_LOGIN({"username": username(number, HURRIED)}))
            if number in (EARLY, LATE):
                measured[number] = process.rss_bytes()
    return Memory(measured[EARLY], measured[LATE])
