"""The layouts of a file of people, row by row: a JSON array, JSON Lines, a list within an object, CSV.

Memory does not grow with the number of rows.
"""

import csv
import io
import json
import re
import sys
import zlib
from collections.abc import Iterator
from enum import Enum
from typing import Any, BinaryIO

from infra.errors import OperatorError
from infra.move.people.faults import RowFault
from infra.move.people.source import Source

# A person has at most 128 KiB of metadata, and an escape takes six characters.
MAX_ROW_BYTES = 1024 * 1024
NO_JSON = RowFault("", "FORMAT", "The row is no JSON.")
DAMAGED = RowFault("", "FORMAT", "The file is damaged from here on, and cannot be read any further.")
DEEP = RowFault("", "NOT_PASSED", "The row is nested too deep.")
LONG = RowFault("", "MAX_LENGTH", f"The row has more than {MAX_ROW_BYTES} bytes.")
NO_CSV = RowFault("", "FORMAT", "The row is no CSV, or has more cells than the header.")
_WITHIN = re.compile(rb"\s*\{\s*\"users\"\s*:\s*\[")
# A row may be null.
_END = object()
_UNPACKING = (EOFError, OSError, zlib.error)


class Layout(Enum):
    """The place of the rows in the file."""

    ARRAY = "item"
    WITHIN = "users.item"
    LINES = "lines"
    CSV = "csv"


def layout_of(head: bytes) -> Layout:
    """Return the layout of a file by its beginning."""
    text = head.lstrip()
    if text[:1] == b"[":
        return Layout.ARRAY
    if _WITHIN.match(text):
        return Layout.WITHIN
    lines = text.splitlines()
    if any(line[:1] == b"{" and _is_object(line) for line in lines):
        return Layout.LINES
    if text[:1] == b"{":
        return Layout.WITHIN if b"\n" in text.strip() or len(head) == len(text) > MAX_ROW_BYTES else Layout.LINES
    return Layout.CSV


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


def _read_list(stream: BinaryIO, path: str) -> Iterator[Any]:
    import ijson  # noqa: PLC0415 (only a list needs it, and every command would load it)

    # Without use_float, a number that no float can hold does not end the file.
    rows = ijson.items(stream, path, use_float=False)
    while True:
        try:
            row = _next_of(rows)
        except (ijson.JSONError, ValueError, *_UNPACKING):
            yield DAMAGED
            return
        if row is _END:
            return
        yield _with_floats(row)


def _next_of(rows: Iterator[Any]) -> Any:
    """Return the next row, _END behind the last one."""
    limit = sys.get_int_max_str_digits()
    # ijson's C code ends the process at an integer that int refuses for its digits.
    sys.set_int_max_str_digits(0)
    try:
        return next(rows, _END)
    finally:
        sys.set_int_max_str_digits(limit)


def _with_floats(row: Any) -> Any:
    """Return a row with floats in place of Decimal, or the fault of one with a number that is none."""
    try:
        return json.loads(json.dumps(row, default=float, allow_nan=False))
    except RecursionError:
        return DEEP
    except (ValueError, OverflowError):
        return NO_JSON


def _read_lines(stream: BinaryIO) -> Iterator[Any]:
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
            yield _parse_line(line)


def _parse_line(line: bytes) -> Any:
    try:
        return json.loads(line.decode(), parse_constant=_refuse_constant)
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


def _read_csv(stream: BinaryIO) -> Iterator[Any]:
    # A byte that is no UTF-8 becomes a lone surrogate, which no field takes.
    text = io.TextIOWrapper(stream, "utf-8", errors="surrogateescape", newline="")
    rows = csv.DictReader(text)
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
