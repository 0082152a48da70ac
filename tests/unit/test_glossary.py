"""docs/inside/glossary.md: at most 40 terms, each with one row."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "inside" / "glossary.md").read_text("utf-8")
TERMS = re.findall(r"\*\*([^*]+)\*\*", PAGE)


def test_the_glossary_has_at_most_forty_terms() -> None:
    assert 0 < len(TERMS) <= 40


def test_each_term_stands_once() -> None:
    assert sorted(TERMS) == sorted(set(TERMS))
