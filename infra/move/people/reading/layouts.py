"""The layouts of a file of people, row by row: a JSON array, JSON Lines, a list within an object, CSV.

Memory does not grow with the number of rows.
"""

import csv
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from io import BufferedReader, TextIOWrapper
from typing import Any

from infra.errors import OperatorError
from infra.move.people.faults import RowFault
from infra.move.people.reading.cutting import MAX_ROW_BYTES, ListCutter
from infra.move.people.reading.source import Source

CHUNK_BYTES = 64 * 1024
NO_JSON = RowFault("", "FORMAT", "The row is no JSON.")
DAMAGED = RowFault("", "FORMAT", "The file is damaged from here on, and cannot be read any further.")
DEEP = RowFault("", "NOT_PASSED", "The row is nested too deep.")
LONG = RowFault("", "MAX_LENGTH", f"The row has more than {MAX_ROW_BYTES} bytes.")
NO_CSV = RowFault("", "FORMAT", "The row is no CSV, or has more cells than the header.")
_LINE_ENDS = ("\n", "\r")
_UNPACKING = (EOFError, OSError, zlib.error)


class Layout(Enum):
    """The place of the rows in the file. Of a list, the depth of its rows."""

    ARRAY = 1
    WITHIN = 2
    LINES = 3
    CSV = 4


def layout_of(head: bytes) -> Layout:
    """Return the layout of a file by its beginning."""
    text = head.lstrip()
    if text[:1] == b"[":
        return Layout.ARRAY
    if text[:1] == b"{":
        cutter = ListCutter(Layout.WITHIN.value)
        any(cutter.feed(text))
        return Layout.WITHIN if cutter.has_begun else Layout.LINES
    is_lines = any(line[:1] == b"{" and _is_object(line) for line in text.splitlines())
    return Layout.LINES if is_lines else Layout.CSV


def read_rows(source: Source, layout: Layout) -> Iterator[Any]:
    """Yield the values of each row, or the RowFault of one that cannot be read."""
    if layout is Layout.LINES:
        yield from _read_lines(source.stream)
    elif layout is Layout.CSV:
        yield from _read_csv(source.stream)
    else:
        yield from _read_list(source.stream, layout.value)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _read_list(stream: BufferedReader, level: int) -> Iterator[Any]:
    cutter = ListCutter(level)
    try:
        for chunk in iter(partial(stream.read, CHUNK_BYTES), b""):
            for row in cutter.feed(chunk):
                yield LONG if row is None else _parse_row(row)
    except _UNPACKING:
        yield DAMAGED
        return
    if not cutter.is_whole:
        yield DAMAGED


def _read_lines(stream: BufferedReader) -> Iterator[Any]:
    while True:
        try:
            line = stream.readline(MAX_ROW_BYTES + 1)
            if len(line) > MAX_ROW_BYTES:
                while line and not line.endswith(b"\n"):
                    line = stream.readline(MAX_ROW_BYTES)
                yield LONG
                continue
        except _UNPACKING:
            yield DAMAGED
            return
        if not line:
            return
        if line.strip():
            yield _parse_row(line)
        else:
            _skip_blanks(stream)


def _skip_blanks(stream: BufferedReader) -> None:
    """Skip what is blank in the stream's buffer: a packed file may hold millions of empty lines."""
    head = stream.peek()
    stream.read(len(head) - len(head.lstrip()))


def _parse_row(row: bytes) -> Any:
    try:
        return json.loads(row.decode(), parse_constant=_refuse_constant)
    except RecursionError:
        return DEEP
    except ValueError:
        return NO_JSON


def _refuse_constant(name: str) -> None:
    # JSON has no NaN and no Infinity.
    raise ValueError(name)


def _require_distinct(rows: "csv.DictReader[str]") -> None:
    """Raise OperatorError for a header that names a column twice: one of the two would be lost. It tells no cell."""
    try:
        names = list(rows.fieldnames or ())
    except (csv.Error, *_UNPACKING):
        return
    twice = next((place for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        first = names.index(names[twice])
        raise OperatorError(f"Columns {first + 1} and {twice + 1} of the CSV's header have the same name.")


@dataclass(slots=True, eq=False, repr=False)
class _CsvLines:
    """The lines of a CSV. One that is too long raises csv.Error, and the next one comes all the same."""

    text: TextIOWrapper

    def __iter__(self) -> "_CsvLines":
        return self

    def __next__(self) -> str:
        line = rest = self.text.readline(MAX_ROW_BYTES)
        while len(rest) == MAX_ROW_BYTES and not rest.endswith(_LINE_ENDS):
            rest = self.text.readline(MAX_ROW_BYTES)
        if rest is not line:
            raise csv.Error
        if not line:
            raise StopIteration
        return line


def _read_csv(stream: BufferedReader) -> Iterator[Any]:
    # A byte that is no UTF-8 becomes a lone surrogate, which no field takes.
    text = TextIOWrapper(stream, "utf-8", errors="surrogateescape", newline="")
    rows = csv.DictReader(_CsvLines(text))
    _require_distinct(rows)
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            yield NO_CSV
            continue
        except _UNPACKING:
            yield DAMAGED
            return
        if row is None:
            return
        yield NO_CSV if None in row else {name: cell for name, cell in row.items() if cell}
