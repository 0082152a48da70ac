"""Names and log lines leave a terminal alone: in tables, JSON, failures, and on the screen of a local run."""

import io
import json

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from infra.cli.options import reports_failures
from infra.cli.output.escapes import as_json, printable
from infra.cli.output.tables import print_json, print_table
from infra.cli.output.terminal import Terminal
from infra.errors import OperatorError
from infra.gateway.app import ServedRequest
from infra.local.outbox import SentMessage

HOSTILE = "\x1b[2J\x9b2J\u202e\x07\x00"


def is_safe(text: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in text)


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_is_safe_and_json_keeps_it(text: str) -> None:
    assert is_safe(printable(text))
    assert is_safe(as_json({text: [text]}))
    assert json.loads(as_json({text: [text]}, indent=None)) == {text: [text]}


def test_names_of_all_scripts_stay_as_they_are() -> None:
    for name in ("Zoë", "李小龍", "Ольга", "😀"):
        assert name in as_json({"name": name})
        assert printable(name) == name


def screen() -> tuple[Console, io.StringIO]:
    """Return the console of a terminal without colours, and what it shows."""
    shown = io.StringIO()
    return Console(file=shown, force_terminal=True, color_system=None, markup=False, highlight=False), shown


def test_everything_that_prints_names_is_safe() -> None:
    console, shown = screen()
    print_json(console, {"name": HOSTILE})
    print_table(console, ("name",), [(HOSTILE,)])
    local = Terminal(console)
    logged = {"user": HOSTILE, "warnings": [HOSTILE], "traceback": HOSTILE}
    local.show_request(ServedRequest("GET", f"/{HOSTILE}", 404, 1.0, ""), logged)
    local.show_message(SentMessage(1, "email", HOSTILE, "", HOSTILE, "", ""))

    assert shown.getvalue().count("2J") >= 6
    assert is_safe(shown.getvalue())


def test_failure_that_repeats_a_name_is_safe(capsys: pytest.CaptureFixture[str]) -> None:
    @reports_failures
    def fail() -> None:
        raise OperatorError(f"No user {HOSTILE}.")

    with pytest.raises(typer.Exit):
        fail()
    assert is_safe(capsys.readouterr().err)
