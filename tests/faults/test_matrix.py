"""Every AWS call of every flow fails, one at a time, in every way: docs/run/reliability.md has the answers."""

import random
from collections.abc import Callable

import httpx

from chalicelib.flows.accounts.change_password import SENT
from chalicelib.store.aws.budget import REQUEST_BUDGET_S
from tests.faults import table
from tests.faults.case import Case
from tests.faults.conftest import OUTCOME
from tests.faults.flows import Flow
from tests.faults.kinds import UNAVAILABLE, Fault, spoiling
from tests.faults.rows import begun, expected, uses_up
from tests.faults.wire import watching
from tests.faults.workbench import Bench

# Both paths pause at random before they try again. With this seed it begins with a short pause.
SHORT_PAUSE = 139
TOKENS = ("access_token", "id_token", "refresh_token")


def test_failing_call_answers_as_agreed_and_the_retry_gets_through(
    bench: Bench, flow: Flow, call: str, fault: Fault, record_property: Callable[[str, object], None]
) -> None:
    statuses = expected(flow, call, fault)
    bench.start(flow.is_cold, flow.rules)
    for tries, status in statuses.items():
        case = begun(flow, bench)
        response = failing(bench, case, call, fault, tries)
        assert response.status_code == status, response.text
        require_contract(bench, response)
        if status != flow.status:
            case.failed(fault.happens)
            response = case.anew() if case.anew and uses_up(flow, call, fault) else case.act()
            assert response.status_code == flow.status, response.text
        case.done(response)
    record_property(OUTCOME, (flow.name, call, fault.name, table.cell(flow, call, fault)))


def failing(bench: Bench, case: Case, call: str, fault: Fault, tries: int) -> httpx.Response:
    """Do a flow once while the first tries of one of its calls fail; it must end in time."""
    random.seed(SHORT_PAUSE)
    before, after = spoiling(call, fault, tries, bench.aws_clock)
    began = bench.aws_clock()
    with watching(bench.stage, before, after) as wire:
        response = case.act()
    assert bench.aws_clock() - began + sum(bench.clock.paused) < REQUEST_BUDGET_S
    made = max((one.number for one in wire.tries if one.call.name == call), default=0)
    assert made == (2 if fault.is_retried else 1)
    return response


def require_page(bench: Bench, response: httpx.Response) -> None:
    """Hold a page against what docs/use/http.md says of each, and of a 503."""
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.headers["Cache-Control"] == "no-store"
    if response.status_code == UNAVAILABLE:
        assert bench.http.log[-1]["error"] == "temporarily_unavailable"
        assert int(response.headers["Retry-After"]) >= 1


def require_contract(bench: Bench, response: httpx.Response) -> None:
    """Hold an answer against what docs/use/http.md says of each, and of a 503."""
    if response.request.url.path.startswith("/u/") or response.text == SENT:
        return require_page(bench, response)
    assert response.headers["Content-Type"].startswith("application/json")
    if response.is_error:
        assert set(response.json()) >= {"error", "error_description"}
        assert not [name for name in response.json() if name in TOKENS]
        assert response.headers["Cache-Control"] == "no-store"
        assert bench.http.log[-1]["error"] == response.json()["error"]
    if response.status_code == UNAVAILABLE:
        assert response.json()["error"] == "temporarily_unavailable"
        assert int(response.headers["Retry-After"]) >= 1
