"""Measure `gatehouse users import`: people a minute of one core, and whether memory grows with the file."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.people import COST, REALM, hash_password
from tests.bench.set_up import PROJECT, STAGE, provision
from tests.support.fake_aws.process import stub

SMALL, LARGE = 10_000, 500_000
LEAST_A_MINUTE = 60_000
MOST_GROWTH_MIB = 20
# Run by an interpreter of its own, which then says what it used.
_PROGRAM = """
import json, resource, sys
from infra.cli.main import app
try:
    app(["users", "import", *sys.argv[1:], "--json"])
except SystemExit as end:
    used = resource.getrusage(resource.RUSAGE_SELF)
    sys.stderr.write(json.dumps([end.code, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """One import of so many people. cpu_s: of the whole process. peak_mib: its highest resident set."""

    people: int
    cpu_s: float
    peak_mib: float


def measure_imports(least: int = SMALL, most: int = LARGE) -> tuple[Imported, Imported]:
    """Return the imports of two files of so many people. The stub answers and keeps nobody."""
    with stub() as aws, TemporaryDirectory() as folder:
        provision()
        aws.control(is_forgetting=True)
        small, large = (_measure(Path(folder), people) for people in (least, most))
        return small, large


def rate_per_minute(small: Imported, large: Imported) -> float:
    """Return how many people a minute of one core takes, without the start of the process."""
    return 60 * (large.people - small.people) / (large.cpu_s - small.cpu_s)


def has_failed(small: Imported, large: Imported) -> bool:
    """Return whether the rate or the growth of memory is outside of its budget."""
    is_slow = rate_per_minute(small, large) < LEAST_A_MINUTE
    return is_slow or large.peak_mib - small.peak_mib > MOST_GROWTH_MIB


def _measure(folder: Path, people: int) -> Imported:
    file, stored = folder / f"{people}.ndjson", hash_password(COST)
    with file.open("w", encoding="utf-8") as opened:
        for number in range(people):
            opened.write(json.dumps(_row(number, stored)) + "\n")
    command = [sys.executable, "-c", _PROGRAM, str(file), "--stage", STAGE, "--realm", REALM]
    ran = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    code, cpu_s, peak_mib = json.loads(ran.stderr)
    if code or json.loads(ran.stdout)["inserted"] != people:
        raise RuntimeError(f"the import failed: {ran.stdout}")
    return Imported(people, cpu_s, peak_mib)


def _row(number: int, stored: str) -> dict[str, object]:
    return {
        "user_id": f"imported{number}",
        "email": f"imported{number}@example.com",
        "email_verified": True,
        "name": "Alice Liddell",
        "given_name": "Alice",
        "family_name": "Liddell",
        "password_hash": stored,
        "app_metadata": {"plan": "gold"},
        "user_metadata": {"language": "en"},
    }
