"""The floors that CONTRIBUTING.md draws are those that import-linter holds."""

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
DRAWN = (PROJECT / "CONTRIBUTING.md").read_text("utf-8").partition("## The floors\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("container", "layers"),
    [(contract["containers"][0], contract["layers"]) for contract in CONTRACTS if contract["type"] == "layers"],
)
def test_picture_of_the_floors_is_the_contract(container: str, layers: list[str]) -> None:
    picture = re.search(rf"^ {{4}}{container}: .+\n((?: {{6}}.+\n)+)", DRAWN, re.MULTILINE)

    assert picture
    assert [re.split(r" {2,}", line.strip())[0] for line in picture[1].splitlines()] == layers
