"""docs/inside/glossary.md: at most 40 terms, each with one row, and each name of the code is there."""

import ast
import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "inside" / "glossary.md").read_text("utf-8")
TERMS = re.findall(r"\*\*([^*]+)\*\*", PAGE)
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| **")]


def names_of(source: str) -> set[str]:
    """Return the names that a module defines or sets: classes, functions, fields and variables."""
    nodes = list(ast.walk(ast.parse(source)))
    defined = {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    return defined | {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def test_the_glossary_has_at_most_forty_terms() -> None:
    assert 0 < len(TERMS) <= 40


def test_each_term_stands_once() -> None:
    assert sorted(TERMS) == sorted(set(TERMS))


def test_each_name_of_the_code_is_there() -> None:
    files = [path for root in ("chalicelib", "infra") for path in (PROJECT / root).rglob("*.py")]
    names = set().union(*(names_of(path.read_text("utf-8")) for path in files))
    paths = {path.relative_to(PROJECT / "chalicelib").as_posix() for path in files if "chalicelib" in path.parts}
    in_the_code = {name for row in ROWS for name in re.findall(r"`([^`]+)`", row[2])}

    assert len(in_the_code) > 40
    assert sorted(in_the_code - names - paths) == []
