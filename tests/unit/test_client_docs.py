"""docs/use/clients.md and verify-tokens.md name tests that are there, and configurations that can be read."""

import json
import re
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
CLIENTS = (PROJECT / "docs" / "use" / "clients.md").read_text("utf-8")
TOKENS = (PROJECT / "docs" / "use" / "verify-tokens.md").read_text("utf-8")
ROWS = [row.split("|") for row in CLIENTS.splitlines() if row.startswith("| ") and not row.startswith("| library")]
LIBRARY_TESTS = ("test_auth0_python.py", "test_authlib.py", "test_requests_oauthlib.py", "test_node.py")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1].strip())
def test_library_is_run_by_a_test_or_said_not_to_be(row: list[str]) -> None:
    runner = row[-2].strip()
    test = PROJECT / runner.strip("`")

    assert runner in ("not run here", "") or test.is_file()


def test_each_test_of_a_library_is_named() -> None:
    assert [name for name in LIBRARY_TESTS if f"`tests/clients/{name}`" not in CLIENTS] == []


def test_each_client_of_node_has_its_row() -> None:
    installed = json.loads((PROJECT / "tests" / "clients" / "node" / "package.json").read_text("utf-8"))["dependencies"]
    named = re.sub(r"`", "", CLIENTS + TOKENS)

    assert [name for name in installed if name not in ("express",) and name not in named] == []


@pytest.mark.parametrize(("kind", "load"), [("yaml", yaml.safe_load), ("json", json.loads)])
def test_configuration_of_an_api_can_be_read_and_names_the_issuer(kind: str, load: object) -> None:
    assert callable(load)
    blocks = re.findall(rf"^```{kind}\n(.+?)^```", TOKENS, re.MULTILINE | re.DOTALL)

    assert blocks
    assert all("https://login.example.com/" in str(load(block)) for block in blocks)
