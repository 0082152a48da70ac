"""The table of docs/run/reliability.md: flow by call by fault, and what is answered."""

from pathlib import Path

from tests.faults.flows import FLOWS, Flow
from tests.faults.kinds import FAULTS, Fault
from tests.faults.rows import expected, rows, uses_up

PAGE = Path(__file__).parents[2] / "docs" / "run" / "reliability.md"
BEGIN, END = "<!-- make reliability writes what follows -->\n", "<!-- as far as here -->\n"
NOT_POSSIBLE = "\N{EN DASH}"
HEAD = ["flow", "call", *(fault.name for fault in FAULTS)]

# By flow, call and fault.
Outcomes = dict[tuple[str, str, str], str]


def cell(flow: Flow, call: str, fault: Fault) -> str:
    """Return what a cell says of a fault that can happen to this call."""
    statuses = " \N{MIDDLE DOT} ".join(str(status) for status in expected(flow, call, fault).values())
    return statuses + "\\*" * uses_up(flow, call, fault)


def write(outcomes: Outcomes) -> None:
    """Put what a whole run found out into the page."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}{_rendered(outcomes)}{END}{after}", encoding="utf-8")


def read() -> Outcomes:
    """Return what the page says; an empty cell is an empty outcome."""
    text = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    lines = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines()[2:]]
    return {
        (flow, call, name): cell for flow, call, *cells in lines for name, cell in zip(HEAD[2:], cells, strict=True)
    }


def cells() -> list[tuple[Flow, str, Fault]]:
    """Return the cells that the page has an outcome for: flow, name of the call, fault."""
    flows, faults = {flow.name: flow for flow in FLOWS}, {fault.name: fault for fault in FAULTS}
    written = [place for place, outcome in read().items() if outcome != NOT_POSSIBLE]
    return [(flows[flow], call, faults[fault]) for flow, call, fault in written if flow in flows]


def _rendered(outcomes: Outcomes) -> str:
    lines = [HEAD, ["---"] * len(HEAD)]
    for flow, call in rows():
        found = [outcomes.get((flow.name, call.name, fault.name), "") for fault in FAULTS]
        possible = [fault.applies(call) for fault in FAULTS]
        cells = [cell if is_possible else NOT_POSSIBLE for cell, is_possible in zip(found, possible, strict=True)]
        lines.append([flow.name, call.name, *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
