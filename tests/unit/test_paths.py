"""Each path, module and ADR that the texts of the repository name is there: pages, docstrings, comments, messages."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
CODE = ("chalicelib", "infra", "tests", "examples")
KINDS = (".py", ".md", ".yaml", ".toml", ".txt")
# ADRs tell what was, and so does the list of changes.
SOURCES = sorted(
    path
    for path in (
        *PROJECT.glob("*.*"),
        PROJECT / "Makefile",
        *(path for folder in (*CODE, "docs") for path in (PROJECT / folder).rglob("*.*")),
    )
    if (path.suffix in KINDS or path.name == "Makefile")
    and "node_modules" not in path.parts
    and path.name not in ("CHANGELOG.md", "requirements.txt")
    and not path.is_relative_to(PROJECT / "docs" / "adr")
)
NAMED_FILE = re.compile(
    r"(?<![\w/.-])((?:docs|tests|infra|chalicelib|examples|bench)/[\w/.-]+\.(?:md|py|yaml|svg|json|txt))"
)
NAMED_MODULE = re.compile(r"python -m ((?:tests|infra|bench)\b[\w.]*)")
NAMED_ADR = re.compile(r"\b(?:docs/adr/|ADR[- ])(\d{4})\b")
# The files that a contributor writes, by the walks of CONTRIBUTING.md.
TO_BE_WRITTEN = re.compile(r"\b(?:NAME|MEANS|badge|word)\.py$")
ADRS = {path.name[:4] for path in (PROJECT / "docs" / "adr").glob("[0-9]*.md")}


def is_module(name: str) -> bool:
    path = PROJECT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def names_in_texts(pattern: re.Pattern[str]) -> set[tuple[str, str]]:
    """Return each name that a text has, after the path of the text."""
    texts = ((path.relative_to(PROJECT).as_posix(), path.read_text("utf-8")) for path in SOURCES)
    return {(path, name) for path, text in texts for name in pattern.findall(text)}


def test_each_file_that_a_text_names_is_there() -> None:
    named = {pair for pair in names_in_texts(NAMED_FILE) if not TO_BE_WRITTEN.search(pair[1])}

    assert len(named) > 100
    assert sorted(pair for pair in named if not (PROJECT / pair[1]).is_file()) == []


def test_each_module_that_a_text_runs_is_there() -> None:
    named = names_in_texts(NAMED_MODULE)

    assert ("Makefile", "tests.bench") in named
    assert sorted(pair for pair in named if not is_module(pair[1])) == []


def test_each_decision_that_a_text_names_is_there() -> None:
    assert sorted(pair for pair in names_in_texts(NAMED_ADR) if pair[1] not in ADRS) == []


def test_each_file_in_the_table_of_additions_is_there() -> None:
    contributing = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
    table = contributing.partition("## Adding\n")[2].partition("\n## ")[0]
    named = {name for name in re.findall(r"`([\w/.-]+\.(?:py|md|yaml|toml))`", table) if not TO_BE_WRITTEN.search(name)}

    assert len(named) > 10
    assert [
        name for name in sorted(named) if not any((PROJECT / root / name).is_file() for root in ("", "chalicelib"))
    ] == []
