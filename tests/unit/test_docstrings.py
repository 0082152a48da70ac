"""The check of docstrings in `make lint`."""

from pathlib import Path

import pytest

from infra.build.docstrings import find_riddles, main


@pytest.mark.parametrize(
    "opening", ["What a rule sees.", "Where it is.", "Whether it counts.", "\n    What is spaced."]
)
@pytest.mark.parametrize(
    "place", ["{0}", "def f():\n    {0}", "class C:\n    {0}", "class C:\n    async def f(self):\n        {0}"]
)
def test_docstring_that_begins_with_a_riddle_is_found(opening: str, place: str) -> None:
    assert [text for _, text in find_riddles(place.format(f'"""{opening}"""'))] == [opening.strip()]


@pytest.mark.parametrize(
    "opening", ["Return what a rule sees.", "Whether the client is honoured.", "Whatever.", "Wherever."]
)
def test_docstring_that_says_what_the_caller_gets_is_left_alone(opening: str) -> None:
    assert not list(find_riddles(f'def f():\n    """{opening}"""'))


def test_text_that_is_no_docstring_is_left_alone() -> None:
    assert not list(find_riddles('TEXT = "What it is."\ndef f():\n    return "Where it is."'))


def test_command_names_file_and_line_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_text('def f():\n    """What it is."""\n')

    assert main([str(tmp_path)]) == 1

    assert capsys.readouterr().out == f"{tmp_path}/a.py:2: docstring begins with a riddle: What it is.\n"


def test_command_passes_over_clean_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('"""Rooms of the house."""\n')

    assert main([str(tmp_path), str(tmp_path / "a.py")]) == 0
