"""The table of docs/run/reliability.md is the one that a run makes."""

from tests.faults import table
from tests.faults.kinds import FAULTS
from tests.faults.rows import rows


def test_table_has_what_a_run_finds_in_every_cell() -> None:
    found = {
        (flow.name, call.name, fault.name): table.cell(flow, call.name, fault)
        if fault.applies(call)
        else table.NOT_POSSIBLE
        for flow, call in rows()
        for fault in FAULTS
    }

    assert "" not in found.values()
    assert table.read() == found, "run make reliability"
