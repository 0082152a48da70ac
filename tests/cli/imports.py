"""Import people into the shared stage, and read what the command says of them."""

import json
from pathlib import Path
from typing import Any

import bcrypt

from infra.stage.people import People
from tests.cli.conftest import Gatehouse, Ran

EMPLOYEES = ("--realm", "employees")
PASSWORD = "correct horse"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


def imported(shared: Gatehouse, file: str, *options: str, typed: str | None = None) -> Ran:
    return shared.run("users", "import", file, *EMPLOYEES, *options, typed=typed)


def summary(ran: Ran) -> list[int]:
    counts = json.loads(ran.out)
    assert list(counts) == ["total", "inserted", "updated", "failed"]
    return list(counts.values())


def row(key: str, number: int = 0, **more: Any) -> dict[str, Any]:
    return {"email": f"{key}-{number}@example.com", "user_id": f"{key}{number}", "password_hash": HASH} | more


def faults(path: Path) -> list[tuple[int, str, str]]:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert all(list(line) == ["row", "field", "code", "message"] for line in lines)
    return [(line["row"], line["field"], line["code"]) for line in lines]


def find(shared: Gatehouse, who: str) -> Any:
    return People.of(shared.stage, "employees").find(who)
