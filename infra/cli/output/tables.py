"""Print tables, documents and JSON, the same way in all commands."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from rich.cells import cell_len
from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.table import Table
from rich.text import Text

from infra.cli.output.escapes import as_json, printable

# Between two columns, if no table is drawn.
GAP = "  "
HIGHLIGHT = JSONHighlighter()
# The width of the border and the blanks of a drawn column.
FRAME = 3

Cell: TypeAlias = str | Text


def print_table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print rows under these columns: as a table in a terminal, else one line a row, for grep and awk.

    columns: empty for rows without a header. No word is cut or broken in a narrow terminal, so that names can be
    copied. Line breaks in a cell are kept in a terminal only.
    """
    texts = [[_as_text(cell) for cell in row] for row in rows]
    if console.file.isatty():
        console.print(_table(columns, texts, console.width), soft_wrap=False, crop=False)
        return
    lines = [[" ".join(cell.plain.split("\n")) for cell in row] for row in texts]
    for line in _align([list(columns), *lines] if columns else lines):
        console.print(line)


def print_document(console: Console, document: Mapping[str, Any], as_json: bool) -> None:
    """Print the fields of a document, one a line, or the document as JSON."""
    if as_json:
        print_json(console, document)
    else:
        print_table(console, (), [(name, _as_words(value)) for name, value in document.items()])


def print_json(console: Console, value: Any, indent: int | None = 2) -> None:
    """Print a value as JSON. indent: None for one line."""
    console.print(HIGHLIGHT(Text(as_json(value, indent))), soft_wrap=True)


def utc(epoch_s: int) -> str:
    """Return a time as `2026-01-31 12:00:00Z`."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _as_words(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _as_text(cell: Cell) -> Text:
    """Return a cell as plain text: a name may hold markup of Rich, or control characters of a terminal."""
    if isinstance(cell, Text):
        return cell
    return Text(printable(cell))


def _table(columns: Sequence[str], rows: list[list[Text]], width: int) -> Table:
    """Return a table that fits into width, if its longest words do."""
    table = Table() if columns else Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    least = most = 1
    for index in range(max(map(len, rows), default=len(columns))):
        name = columns[index] if columns else ""
        lines = [line for text in (name, *(row[index].plain for row in rows)) for line in text.split("\n")]
        longest_word = max(cell_len(word) for line in lines for word in (*line.split(), ""))
        longest_line = max(map(cell_len, lines))
        # Without these two, Rich narrows the widest column first, and breaks its words.
        table.add_column(name, min_width=longest_word, no_wrap=longest_word == longest_line)
        least, most = least + longest_word + FRAME, most + longest_line + FRAME
    table.width = max(least, min(most, width))
    for row in rows:
        table.add_row(*row)
    return table


def _align(lines: list[list[str]]) -> list[str]:
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    return [GAP.join(_pad(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _pad(cell: str, width: int) -> str:
    return cell + " " * (width - cell_len(cell))
