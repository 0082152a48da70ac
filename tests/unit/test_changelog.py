"""CHANGELOG.md has the form of Keep a Changelog, and docs/run/upgrading.md a row for each of its versions."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
VERSION = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
CHANGELOG = (PROJECT / "CHANGELOG.md").read_text("utf-8")
UPGRADING = (PROJECT / "docs" / "run" / "upgrading.md").read_text("utf-8")
# Keep a Changelog 1.1.0, "Types of changes".
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
SECTIONS = dict(zip(*[iter(re.split(r"^## (.+)\n", CHANGELOG, flags=re.MULTILINE)[1:])] * 2, strict=True))
ENTRY = re.compile(r"^- (.+?)(?=^- |^### |\Z)", re.MULTILINE | re.DOTALL)


def test_versions_are_dated_and_the_newest_is_that_of_the_package() -> None:
    first, *released = SECTIONS

    assert first == "Unreleased"
    assert [title for title in released if not re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", title)] == []
    assert released[0].partition(" ")[0] == VERSION


@pytest.mark.parametrize("title", SECTIONS)
def test_section_groups_its_entries_by_kind(title: str) -> None:
    kinds = re.findall(r"^### (.+)$", SECTIONS[title], re.MULTILINE)

    assert kinds == [kind for kind in KINDS if kind in kinds]
    assert "\n- " not in SECTIONS[title].partition("### ")[0]


def test_no_entry_stands_there_twice() -> None:
    entries = Counter(" ".join(entry.split())[:60] for text in SECTIONS.values() for entry in ENTRY.findall(text))

    assert len(entries) > 100
    assert [entry for entry, times in entries.items() if times > 1] == []


@pytest.mark.parametrize("title", SECTIONS)
def test_upgrading_says_what_each_version_asks_for(title: str) -> None:
    version, _, _ = title.partition(" ")

    # An empty "Unreleased" asks for nothing.
    assert not ENTRY.search(SECTIONS[title]) or f"\n| {version} | " in UPGRADING
