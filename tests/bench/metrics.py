"""Measure what the metrics in a login's line cost beside a bcrypt of the same run. A busy machine is fit for it."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

import bcrypt

from chalicelib.http import log
from chalicelib.http.metrics import Metrics
from chalicelib.model.request import Outcome
from tests.bench.people import COST, PASSWORD, hash_password
from tests.bench.statistics import Spread

ROUNDS, LINES = 40, 500
# A tenth of a millisecond beside a bcrypt of cost 10, which takes 52 ms on the machine of docs/run/performance.md.
MOST_OF_BCRYPT = 0.1 / 52
LOGIN = Outcome("sepft", "password", "demo-backend", "employees", "employees|b2b5da02675f15275710fdf0", "192.0.2.7")
ABOUT = {"request_id": "f6a769fe-8efe-4674-a8da-abb3681d38ba", "path": "/oauth/token", "status": 200, "ms": 88}


def measure_metrics(rounds: int = ROUNDS) -> tuple[Spread, Spread]:
    """Return the CPU seconds that metrics add to a login's line, and the same over one bcrypt of the same round."""
    stored, added, ratios = hash_password(COST).encode(), list[float](), list[float]()
    with TemporaryDirectory() as folder, (Path(folder) / "log").open("w", buffering=1, encoding="utf-8") as file:
        for _ in range(rounds):
            plain, whole = _lines_s(file, Metrics("")), _lines_s(file, Metrics("gatehouse-bench"))
            one_bcrypt = _cpu_s(lambda: bcrypt.checkpw(PASSWORD.encode(), stored))
            added.append((whole - plain) / LINES)
            ratios.append(added[-1] / one_bcrypt)
    return Spread.of(added), Spread.of(ratios)


def has_failed(over_bcrypt: Spread) -> bool:
    """Return whether the metrics cost more than their budget."""
    return over_bcrypt.median > MOST_OF_BCRYPT


def _lines_s(file: TextIO, metrics: Metrics) -> float:
    """Return the CPU seconds of writing a login's line LINES times."""

    def write() -> None:
        for _ in range(LINES):
            line = log.line(LOGIN, **ABOUT, aws_calls=5)
            file.write(metrics.add_to(json.dumps(line, separators=(",", ":")), line) + "\n")

    return _cpu_s(write)


def _cpu_s(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
