"""Profile the CPU of a request without bcrypt: the handler in this process, with all threads, under yappi."""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import yappi  # type: ignore[import-untyped]  # It has no stubs.

from tests.bench.people import username
from tests.bench.report import Table
from tests.bench.scenarios import RequestStep, Scenario, Session
from tests.bench.set_up import STAGE

TIMES, LISTED = 200, 30
MS = 1_000
HASHING = "chalicelib/passwords/hash.py"


def profile_scenario(scenario: Scenario) -> list[Table]:
    """Serve a scenario many times; return tables of the slowest modules and functions by their own time.

    Profiling slows down each call, so the order says more than the sum.
    """
    os.environ |= {"GATEHOUSE_STAGE": STAGE}
    with Path(os.devnull).open("w", encoding="ascii") as log, redirect_stdout(log):
        sessions = [_after(scenario.prepared_by, {"username": username(number)}) for number in range(1, TIMES + 1)]
        _after(scenario.steps, sessions.pop())
        yappi.set_clock_type("cpu")
        yappi.start()
        for session in sessions:
            _after(scenario.steps, session)
        yappi.stop()
    modules: dict[str, float] = defaultdict(float)
    functions: dict[str, float] = defaultdict(float)
    for one in yappi.get_func_stats():
        module = one.module.rpartition("site-packages/")[2].removeprefix(f"{Path.cwd()}/")
        modules[module] += one.tsub
        functions[f"{module} {one.name}"] += one.tsub
    return [_table("module", modules), _table("function", functions)]


def _after(steps: Sequence[RequestStep], session: Session) -> Session:
    from app import app  # noqa: PLC0415 (it reads the environment)

    for step in steps:
        session = {**session, **json.loads(app(step(session).event(), None)["body"] or "{}")}
    return session


def _table(kind: str, seconds: Mapping[str, float]) -> Table:
    beside = {name: one for name, one in seconds.items() if not name.startswith(HASHING)}
    whole = sum(beside.values())
    slowest: Iterable[tuple[str, float]] = sorted(beside.items(), key=lambda item: -item[1])[:LISTED]
    rows = [(name, f"{MS * one / TIMES:.3f}", f"{one / whole:.1%}") for name, one in slowest]
    return Table((kind, "own ms a request", "of all beside bcrypt"), rows)
