"""Profile the CPU of a request without bcrypt: the handler in this process, with all threads, under yappi."""

import json
import os
import socket
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from urllib.parse import urlsplit

import yappi  # type: ignore[import-untyped]  # It has no stubs.

from app import make_app
from chalicelib import wiring
from chalicelib.http.application import Application
from chalicelib.settings import Settings
from chalicelib.store.aws.budget import READ_TIMEOUT_S
from chalicelib.store.aws.connections import connect_over
from chalicelib.store.aws.transport import KeepAlive
from infra.local.emulated_aws import CREDENTIALS
from tests.bench.people import username
from tests.bench.report import Table
from tests.bench.scenarios import RequestStep, Scenario, Session
from tests.bench.set_up import STAGE
from tests.support.fake_aws.process import StubProcess

TIMES, LISTED = 200, 30
MS = 1_000
HASHING = "chalicelib/passwords/hash.py"


def profile_scenario(scenario: Scenario, aws: StubProcess) -> list[Table]:
    """Serve a scenario many times; return tables of the slowest modules and functions by their own time.

    Profiling slows down each call, so the order says more than the sum.
    """
    app = _app(aws)
    with Path(os.devnull).open("w", encoding="ascii") as log, redirect_stdout(log):
        sessions = [_after(app, scenario.prepared_by, {"username": username(number)}) for number in range(1, TIMES + 1)]
        _after(app, scenario.steps, sessions.pop())
        yappi.set_clock_type("cpu")
        yappi.start()
        for session in sessions:
            _after(app, scenario.steps, session)
        yappi.stop()
    modules: dict[str, float] = defaultdict(float)
    functions: dict[str, float] = defaultdict(float)
    for one in yappi.get_func_stats():
        module = one.module.rpartition("site-packages/")[2].removeprefix(f"{Path.cwd()}/")
        modules[module] += one.tsub
        functions[f"{module} {one.name}"] += one.tsub
    return [_table("module", modules), _table("function", functions)]


def _app(aws: StubProcess) -> Application:
    """Return the function's handler on the thin path to the stub, without TLS, whose work is not ours."""
    port = urlsplit(aws.url).port
    transport = KeepAlive(lambda _: socket.create_connection(("127.0.0.1", port)), READ_TIMEOUT_S)
    services = wiring.build(Settings(STAGE), connect_over(transport, CREDENTIALS), wiring.Externals())
    return make_app(lambda: services)


def _after(app: Application, steps: Sequence[RequestStep], session: Session) -> Session:
    for step in steps:
        session = {**session, **json.loads(app(step(session).event(), None)["body"] or "{}")}
    return session


def _table(kind: str, seconds: Mapping[str, float]) -> Table:
    beside = {name: one for name, one in seconds.items() if not name.startswith(HASHING)}
    whole = sum(beside.values())
    slowest: Iterable[tuple[str, float]] = sorted(beside.items(), key=lambda item: -item[1])[:LISTED]
    rows = [(name, f"{MS * one / TIMES:.3f}", f"{one / whole:.1%}") for name, one in slowest]
    return Table((kind, "own ms a request", "of all beside bcrypt"), rows)
