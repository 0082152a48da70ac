"""The matrix of flows, calls and faults: a test for each, and the table of what they came to."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import Session, get_session

from infra.stage.aws import Stage
from tests.faults import table
from tests.faults.flows import Flow
from tests.faults.kinds import FAULTS, Fault
from tests.faults.rows import rows
from tests.faults.workbench import Bench, bench_on, stage_for_faults
from tests.support.fixed import Clock
from tests.support.function_aws import function_aws

OUTCOME = "reliability"


@pytest.fixture(scope="session")
def session() -> Session:
    """botocore's session, which reads its data once for all clients."""
    return get_session()


@pytest.fixture(scope="session")
def faulty_stage(stage: Stage) -> Stage:
    """A stage of the fault tests' own, on the moto that the shared one keeps running."""
    return stage_for_faults("faults")


@pytest.fixture
def bench(faulty_stage: Stage, session: Session, clock: Clock) -> Iterator[Bench]:
    with bench_on(faulty_stage, function_aws(session), clock) as made:
        yield made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give the matrix its tests: every fault of every call of every flow that it can happen to.

    Without --reliability, which takes minutes, one fault of each call that the page has: another one for the next.
    """
    if "fault" in metafunc.fixturenames:
        cells = _all_found() if metafunc.config.getoption("reliability") else _one_for_each_call(table.cells())
        ids = [f"{flow.name}-{call}-{fault.name}" for flow, call, fault in cells]
        metafunc.parametrize(("flow", "call", "fault"), cells, ids=ids)


def _all_found() -> list[tuple[Flow, str, Fault]]:
    return [(flow, call.name, fault) for flow, call in rows() for fault in FAULTS if fault.applies(call)]


def _one_for_each_call(cells: list[tuple[Flow, str, Fault]]) -> list[tuple[Flow, str, Fault]]:
    calls = [list(of_call) for _, of_call in itertools.groupby(cells, lambda cell: (cell[0].name, cell[1]))]
    return [of_call[number % len(of_call)] for number, of_call in enumerate(calls)]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reliability", action="store_true", help="write the table into docs/run/reliability.md")


_outcomes: table.Outcomes = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect what the tests found out, those of xdist's workers too."""
    for name, value in report.user_properties if report.when == "call" else ():
        if name == OUTCOME:
            cell: Any = value
            _outcomes[cell[0], cell[1], cell[2]] = cell[3]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the table, if asked to, in the process that has all outcomes."""
    if session.config.getoption("reliability", default=False) and not hasattr(session.config, "workerinput"):
        table.write(_outcomes)
