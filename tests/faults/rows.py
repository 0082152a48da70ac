"""The rows of the table: the calls that each flow makes, found by doing it once, and what is expected of each."""

from functools import cache

from infra.local.emulated_aws import local_aws
from tests.faults.case import Case
from tests.faults.flows import FLOWS, Flow
from tests.faults.kinds import Fault
from tests.faults.wire import Call, watching
from tests.faults.workbench import Bench, bench_on, stage_for_faults
from tests.support.fixed import Clock
from tests.support.function_aws import function_aws

ALWAYS = 100
REFUSED = 400


@cache
def rows() -> list[tuple[Flow, Call]]:
    """Return the calls of each flow, by name, as some are made in parallel, and every run must have the same order."""
    with local_aws(), bench_on(stage_for_faults("rows"), function_aws(), Clock()) as bench:
        calls = [(flow, call) for flow in FLOWS for call in sorted(_calls_of(flow, bench), key=lambda call: call.name)]
    return [(flow, call) for flow, call in calls if call.name.startswith(flow.shows)]


def begun(flow: Flow, bench: Bench) -> Case:
    """Set a flow up; it goes on in a process that has just started, and so remembers no address."""
    case = flow.begin(bench)
    bench.start(flow.is_cold, flow.rules)
    return case


def expected(flow: Flow, call: str, fault: Fault) -> dict[int, int]:
    """Return what is to be answered, by how many tries of the call of this name fail."""
    refused = REFUSED if fault.name == "condition" and call == flow.refused_by else None
    always = {ALWAYS: refused or fault.status(call) or flow.status}
    return {1: flow.status, **always} if fault.is_retried else always


def uses_up(flow: Flow, call: str, fault: Fault) -> bool:
    """Whether a failure leaves nothing that the same request could be made with again."""
    return fault.happens and call == flow.uses_up


def _calls_of(flow: Flow, bench: Bench) -> list[Call]:
    bench.start(flow.is_cold, flow.rules)
    case = begun(flow, bench)
    with watching(bench.stage) as wire:
        response = case.act()
    assert response.status_code == flow.status, f"{flow.name}: {response.text}"
    return wire.calls
