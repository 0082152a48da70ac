"""What a command changes, or would change: shown the same way before and after."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

COLOURS = {"create": "green", "update": "yellow", "delete": "red", "keep": "cyan"}


@dataclass(frozen=True, slots=True)
class Change:
    """One change. action: create, update, delete, or keep for what left the file and stays. what: the thing's name."""

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
        # Text, as a name may hold what Rich reads as markup; folded, as a name that is cut is no name.
        cells = (Text(cell, overflow="fold") for cell in (change.what, change.detail))
        table.add_row(Text(change.action, style=COLOURS[change.action]), *cells)
    console.print(table)
