"""docs/run/standards.md: a row for each requirement, none held that no test shows, none red without a way on."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "run" / "standards.md").read_text("utf-8")
HELD, PARTLY, RED, YOURS, NONE = STATES = ("🟢 held", "🟡 partly", "🔴 red", "⚪ yours", "⚪ not applicable")
TABLES = {
    name: re.findall(r"^\| (\d[\d., ]*) \| (.+?) \| (.+) \| (.+?) \| ?(.*?) ?\|$", text, re.MULTILINE)
    for name, text in re.findall(r"^## (.+?)\n(.+?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
ROWS = [row for table in TABLES.values() for row in table]
TESTS = sorted({name for row in ROWS for name in re.findall(r"`([^`]+::[^`]+)`", row[-1])})

# Requirements of ASVS 5.0.0 by section: 6.1 has those from 6.1.1 to 6.1.3.
ASVS = {
    **{"6.1": 3, "6.2": 12, "6.3": 8, "6.4": 6, "6.5": 8, "6.6": 4, "6.7": 2, "6.8": 4},
    **{"7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2},
    **{"8.1": 4, "8.2": 4, "8.3": 3, "8.4": 2},
    **{"9.1": 3, "9.2": 4},
    **{"10.1": 2, "10.2": 3, "10.3": 5, "10.4": 16, "10.5": 5, "10.6": 2, "10.7": 3},
    **{"11.1": 4, "11.2": 5, "11.3": 5, "11.4": 4, "11.5": 2, "11.6": 2, "11.7": 2},
    **{"16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 4},
}
# Sections with requirements. 2.4 and the chapters 6 and later concern privacy, customers' experience and agencies.
NIST = """
    2.1.2 2.1.3 2.2.1 2.2.2 2.2.3 2.3
    3.1.1.1 3.1.1.2 3.1.2.1 3.1.2.2 3.1.3.1 3.1.3.2 3.1.3.3 3.1.3.4 3.1.4.1 3.1.4.2 3.1.5 3.1.6 3.1.7
    3.2.1 3.2.2 3.2.3 3.2.4 3.2.5 3.2.6 3.2.7 3.2.8 3.2.9 3.2.10 3.2.11 3.2.12 3.2.13
    4.1 4.1.2.1 4.1.2.2 4.1.3 4.1.4 4.2.1.1 4.2.1.2 4.2.1.3 4.2.1.4 4.2.2.1 4.2.2.2 4.2.2.3 4.2.3 4.3 4.4 4.5 4.6
    5.1 5.1.1 5.1.2 5.2 5.3
"""
RFC_9700 = """
    2.1 2.1.1 2.1.2 2.2 2.2.1 2.2.2 2.3 2.4 2.5 2.6
    4.1 4.1.1 4.1.2 4.1.3 4.2 4.2.1 4.2.2 4.2.3 4.2.4 4.3 4.3.1 4.3.2 4.4 4.4.1 4.4.2 4.4.2.1 4.4.2.2
    4.5 4.5.1 4.5.2 4.5.3 4.5.3.1 4.5.3.2 4.5.3.3 4.5.4
    4.6 4.6.1 4.7 4.7.1 4.8 4.8.1 4.8.2 4.9 4.9.1 4.9.2 4.9.3 4.10 4.10.1 4.10.2 4.10.3 4.11 4.11.1 4.11.2 4.12 4.13
    4.14 4.14.1 4.14.2 4.15 4.15.1 4.16 4.17 4.17.1 4.17.1.1 4.17.1.2 4.17.1.3 4.17.2
"""
REQUIREMENTS = {
    "OWASP ASVS 5.0": {f"{section}.{number}" for section, last in ASVS.items() for number in range(1, last + 1)},
    "NIST SP 800-63B-4": {*NIST.split()},
    "RFC 9700": {*RFC_9700.split()},
}
# What no setting mends: rows that cannot change their state unnoticed.
RED_BY_DESIGN = {
    "OWASP ASVS 5.0": ("10.3.5", "10.4.4", "10.4.14", "11.6.1"),
    "NIST SP 800-63B-4": ("2.3", "3.2.5"),
    "RFC 9700": ("2.2.1", "2.4"),
}
CRYPTOGRAPHY = {"argon2", "bcrypt", "cryptography", "hashlib", "hmac", "jwt", "ssl"}
# They choose how long to wait before a call is tried again.
PAUSES = {"store/aws/calls.py", "store/aws/thin_client.py"}


@cache
def functions(path: str) -> set[str]:
    """Return the names of a test file's functions; none if it is not there."""
    file = PROJECT / path
    return set(re.findall(r"^def (test_\w+)\(", file.read_text("utf-8"), re.MULTILINE)) if file.is_file() else set()


def users_of(libraries: set[str]) -> set[str]:
    """Return the modules of chalicelib that import one of these libraries."""

    def imported(tree: ast.AST) -> Iterator[str]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield str(node.module)

    folder = PROJECT / "chalicelib"
    names = {path: imported(ast.parse(path.read_text("utf-8"))) for path in folder.rglob("*.py")}
    return {
        str(path.relative_to(folder))
        for path, found in names.items()
        if libraries & {name.partition(".")[0] for name in found}
    }


def numbers(row: tuple[str, ...]) -> list[str]:
    return row[0].split(", ")


@pytest.mark.parametrize("standard", REQUIREMENTS)
def test_each_requirement_has_a_row_and_no_other_number_has(standard: str) -> None:
    assert {number for row in TABLES[standard] for number in numbers(row)} == REQUIREMENTS[standard]


def test_every_row_of_the_tables_is_read() -> None:
    assert len(ROWS) == len(re.findall(r"^\| \d.*\|$", PAGE, re.MULTILINE)) > 200


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_row_says_what_holds_and_what_shows_it(row: tuple[str, ...]) -> None:
    _, _, text, state, shown_by = row
    assert state in STATES
    assert state != HELD or "::" in shown_by
    assert state != RED or re.search(r"\*\*(Mend|Stays)\*\*", text)


@pytest.mark.parametrize("name", TESTS)
def test_named_test_is_there(name: str) -> None:
    path, _, function = name.partition("::")
    assert function in functions(path)


@pytest.mark.parametrize(
    ("standard", "number"), [(standard, number) for standard, all_ in RED_BY_DESIGN.items() for number in all_]
)
def test_row_that_no_setting_mends_is_red(standard: str, number: str) -> None:
    assert [row[3] for row in TABLES[standard] if number in numbers(row)] == [RED]


def test_inventory_names_each_module_that_uses_cryptography() -> None:
    inventory = PAGE.partition("#### Cryptography in use")[2].partition("\n### ")[0]

    assert set(re.findall(r"`([a-z_/0-9]+\.py)`", inventory)) == users_of(CRYPTOGRAPHY)


def test_nothing_but_a_pause_before_a_retry_is_drawn_without_secrets() -> None:
    assert users_of({"random", "uuid"}) == PAUSES


def test_nobody_is_asked_for_a_hint_or_a_secret_question() -> None:
    document = (PROJECT / "docs" / "use" / "openapi.yaml").read_text("utf-8")
    members = set(re.findall(r"^ *(?:- )?([a-z_]+):", document, re.MULTILINE))

    assert len(members) > 100
    assert {name for name in members if re.search("hint|question|reminder", name)} == {"token_type_hint"}
