"""What the commands print alike: rows of a table, and times."""

from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text


def add_row(table: Table, *cells: str | Text) -> None:
    """Add a row of cells that are shown as they are, however narrow the terminal."""
    # Text, as a name may hold what Rich reads as markup; folded, as a name that is cut is no name.
    table.add_row(*(Text(cell, overflow="fold") if isinstance(cell, str) else cell for cell in cells))


def utc(epoch_s: int) -> str:
    """Return a time as `2026-01-31 12:00:00Z`."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
