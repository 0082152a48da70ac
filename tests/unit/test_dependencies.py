"""The lists of what is deployed, of what the command needs, and of what is locked for each."""

import re
import tomllib
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)


def pyproject() -> dict[str, Any]:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))


def locked(name: str) -> set[tuple[str, str]]:
    return set(LOCKED.findall((PROJECT / name).read_text("utf-8")))


def test_command_requires_whatever_is_deployed_in_the_same_versions() -> None:
    read = pyproject()
    deployed = set(read["dependency-groups"]["deployed"])

    assert deployed
    assert deployed <= set(read["project"]["dependencies"])


def test_locks_agree_in_each_version() -> None:
    deployed, command, everything = (
        locked(name) for name in ("requirements.txt", "infra/requirements-command.txt", "infra/requirements-dev.txt")
    )

    assert deployed
    assert deployed < command < everything
