"""Print a plan, the same way before and after its changes."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from infra.cli.output.tables import print_table
from infra.stage.changes import PlannedChange

COLOURS = {"create": "green", "recreate": "magenta", "update": "yellow", "delete": "red", "keep": "cyan"}


def as_json(stage: str, changes: Sequence[PlannedChange]) -> dict[str, Any]:
    """Return the changes of a stage as plain values for JSON."""
    return {"stage": stage, "changes": [asdict(change) for change in changes]}


def show(console: Console, title: str, changes: Sequence[PlannedChange]) -> None:
    """Print the changes as a table, or that there are none."""
    if not changes:
        console.print(f"{title}: nothing to change.")
        return
    console.print(title, style="italic")
    print_table(console, (), [row for change in changes for row in _rows(change)])


def _rows(change: PlannedChange) -> list[tuple[Text | str, str, str]]:
    """Return one row for each line of the detail, so that each reason is a line in a pipe too."""
    first, *others = change.detail.split("\n")
    action = Text(change.action, style=COLOURS[change.action])
    return [(action, change.what, first), *(("", "", line) for line in others)]
