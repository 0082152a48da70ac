"""A JSON list is cut into its rows, wherever its bytes are torn, and whatever a row holds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.move.people.reading.cutting import MAX_ROW_BYTES, ListCutter

SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(['\\"', "\\", "[{,}]", '"users": ['])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
INDENTS = st.sampled_from([None, 1])


def cut(text: bytes, level: int, size: int = 7) -> tuple[list[Any], bool]:
    """Return the rows of a text that comes in pieces of a size, and whether it was whole."""
    cutter = ListCutter(level)
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    return [row for piece in pieces for row in cutter.feed(piece)], cutter.is_whole


@given(st.lists(VALUES), INDENTS, st.booleans(), st.integers(1, 50))
def test_rows_are_those_of_the_list(rows: list[Any], indent: int | None, is_ascii: bool, size: int) -> None:
    found, is_whole = cut(json.dumps(rows, indent=indent, ensure_ascii=is_ascii).encode(), 1, size)

    assert ([json.loads(row) for row in found], is_whole) == (rows, True)


@given(st.lists(VALUES), st.dictionaries(st.text(), VALUES), INDENTS, st.integers(1, 50))
def test_rows_within_an_object_are_found_among_its_members(
    rows: list[Any], more: dict[str, Any], indent: int | None, size: int
) -> None:
    before = {name: value for name, value in more.items() if name != "users"}
    text = json.dumps({**before, "users": rows, "total": [{"users": [1]}]}, indent=indent)
    found, is_whole = cut(text.encode(), 2, size)

    assert ([json.loads(row) for row in found], is_whole) == (rows, True)


@given(st.lists(VALUES, min_size=1), st.integers(1, 50), st.data())
def test_list_that_breaks_off_is_not_whole(rows: list[Any], size: int, data: st.DataObject) -> None:
    text = json.dumps(rows).encode()
    broken = text[: data.draw(st.integers(0, len(text) - 1))]
    found, is_whole = cut(broken, 1, size)

    assert not is_whole
    assert [json.loads(row) for row in found] == rows[: len(found)]


@pytest.mark.parametrize("text", [b"[1] 2", b"[1]]", b"{}", b"", b'"[1]"', b'[1, "'])
def test_text_that_is_more_or_less_than_a_list_is_not_whole(text: bytes) -> None:
    assert not cut(text, 1)[1]


def test_row_that_is_too_long_spoils_no_other_and_takes_no_memory() -> None:
    cutter = ListCutter(1)
    rows = [*cutter.feed(b'[1, "')]
    for _ in range(40):
        rows += cutter.feed(b"a" * (MAX_ROW_BYTES // 10))
        assert len(cutter._piece) <= MAX_ROW_BYTES
    rows += cutter.feed(b'", 2]')

    assert (rows, cutter.is_whole) == ([b"1", None, b" 2"], True)
