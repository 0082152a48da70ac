"""docs/run/security.md: its rows name tests that are there, and none is green that nothing shows."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "run" / "security.md").read_text("utf-8")
TESTS = sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE)))
ROWS = re.findall(r"^\| ([\d., ]+) \| (.+) \| (.+) \| (.+) \| ?(.*) ?\|$", PAGE, re.MULTILINE)
STATES = ("🟢 green", "🟡 amber", "🔴 red", "⚪ yours")
# What no setting mends: rows that cannot turn green unnoticed.
RED_BY_DESIGN = {"ASVS": ("10.4.4", "10.3.5, 10.4.14"), "NIST": ("3.2.5",), "RFC 9700": ("2.2.1", "2.4")}


@pytest.mark.parametrize("name", TESTS)
def test_named_test_file_is_there(name: str) -> None:
    assert (PROJECT / name).is_file()


def test_every_row_of_the_tables_is_read() -> None:
    assert len(ROWS) == len(re.findall(r"^\| \d.*\|$", PAGE, re.MULTILINE)) > 100


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_row_has_a_state_and_a_green_one_is_shown_by_something(row: tuple[str, ...]) -> None:
    *_, state, shown_by = row
    assert state in STATES
    assert state != "🟢 green" or "`tests/" in shown_by or ".md" in shown_by


@pytest.mark.parametrize(
    ("standard", "number"), [(name, number) for name, numbers in RED_BY_DESIGN.items() for number in numbers]
)
def test_row_that_no_setting_mends_is_red(standard: str, number: str) -> None:
    table = re.split(rf"^## .*{standard}.*$", PAGE, maxsplit=1, flags=re.MULTILINE)[1].partition("\n## ")[0]
    (row,) = re.findall(rf"^\| {re.escape(number)} \|.*$", table, re.MULTILINE)
    assert "🔴 red" in row


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)", PAGE))))
def test_link_leads_somewhere(link: str) -> None:
    assert (PROJECT / "docs" / "run" / link).exists()
