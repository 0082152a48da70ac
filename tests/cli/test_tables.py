"""Tables: whole words for people at a terminal, whole lines for what reads a pipe."""

import io
from collections.abc import Sequence

import pytest
from click import unstyle
from rich.console import Console
from rich.text import Text

from infra.cli.output.tables import print_table

KID = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
USER_ID = "employees|b2b5da02675f15275710fdf0"
GRANT = "http://auth0.com/oauth/grant-type/mfa-recovery-code"
ROW = (KID, USER_ID, f"password\n{GRANT}", "two words of a name")
COLUMNS = ("kid", "user_id", "grants", "name")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(file: io.StringIO, columns: Sequence[str], *rows: Sequence[str | Text], width: int = 80) -> list[str]:
    """Return the lines that a table leaves in a file."""
    console = Console(file=file, width=width, soft_wrap=True, markup=False, highlight=False)
    print_table(console, columns, rows)
    return unstyle(file.getvalue()).splitlines()


@pytest.mark.parametrize("width", [20, 80, 300])
def test_table_in_a_terminal_breaks_no_name_in_two(width: int) -> None:
    text = "\n".join(printed(Terminal(), COLUMNS, ROW, ("a", "b", "c", "d"), width=width))

    assert [name in text for name in (KID, USER_ID, GRANT)] == [True] * 3
    assert "…" not in text


def test_table_in_a_terminal_that_is_wide_enough_keeps_within_it() -> None:
    row = (KID, "RS256", "current", "2026-01-31 12:00:00Z")

    assert max(map(len, printed(Terminal(), COLUMNS, row))) <= 80


@pytest.mark.parametrize("width", [20, 80, 300])
def test_table_in_a_pipe_has_one_line_a_row_without_colour_and_borders(width: int) -> None:
    file = io.StringIO()
    lines = printed(file, COLUMNS, ROW, ("a", "b", "c", Text("d", style="red")), width=width)

    assert lines[0].split() == list(COLUMNS)
    assert lines[1] == f"{KID}  {USER_ID}  password {GRANT}  two words of a name"
    assert lines[2].split() == ["a", "b", "c", "d"]
    assert (len(lines), "\x1b" in file.getvalue()) == (3, False)


def test_columns_in_a_pipe_stand_below_each_other_whatever_the_script() -> None:
    lines = printed(io.StringIO(), ("name", "id"), ("山田太郎", "1"), ("Ann", "2"))

    assert lines == ["name      id", "山田太郎  1", "Ann       2"]


@pytest.mark.parametrize("file", [io.StringIO, Terminal])
def test_name_cannot_do_what_a_terminal_obeys(file: type[io.StringIO]) -> None:
    text = "\n".join(printed(file(), ("name",), ("a\x1b[2Jb\rc\x9bd",), ("[red]e",)))

    assert ("a?[2Jb?c?d" in text, "[red]e" in text) == (True, True)


@pytest.mark.parametrize("file", [io.StringIO, Terminal])
def test_table_without_rows_shows_its_columns(file: type[io.StringIO]) -> None:
    assert all(name in "\n".join(printed(file(), COLUMNS)) for name in COLUMNS)


@pytest.mark.parametrize("file", [io.StringIO, Terminal])
def test_rows_without_columns_have_no_header(file: type[io.StringIO]) -> None:
    assert [line.split() for line in printed(file(), (), ("a", "b"), ("cc", "d"))] == [["a", "b"], ["cc", "d"]]


@pytest.mark.parametrize("file", [io.StringIO, Terminal])
def test_no_rows_and_no_columns_are_nothing(file: type[io.StringIO]) -> None:
    assert "".join(printed(file(), ())) == ""
