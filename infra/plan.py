"""What a command changes, or would change: shown the same way before and after."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.tables import add_row

COLOURS = {"create": "green", "recreate": "magenta", "update": "yellow", "delete": "red", "keep": "cyan"}


@dataclass(frozen=True, slots=True)
class Change:
    """One change. action: one of COLOURS; keep is for what left the file and stays. what: the thing's name."""

    action: str
    what: str
    detail: str = ""


def show(console: Console, title: str, changes: Sequence[Change]) -> None:
    """Print the changes as a table, or that there are none."""
    if not changes:
        console.print(f"{title}: nothing to change.")
        return
    table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0))
    for change in changes:
        add_row(table, Text(change.action, style=COLOURS[change.action]), change.what, change.detail)
    console.print(table)
