"""`gatehouse users import`, interrupted by Ctrl-C, a lost call or a kill: the next run ends in the same tables."""

import itertools
import json
import os
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.stage.aws import Stage
from infra.stage.people import People
from tests.cli.conftest import Gatehouse, Ran
from tests.cli.cut import Cut, acting_at

PEOPLE, OWN_IDS, REFUSED = 60, 5, 2
NEW = PEOPLE + OWN_IDS
# Three items of each person.
ITEMS = ("cred", "login", "user")
_numbers = itertools.count(1)


@dataclass
class Importing:
    """One import, again and again with --resume. kept: the files as they were at the cut; None for one that was not."""

    gatehouse: Gatehouse
    key: str
    folder: Path
    kept: dict[Path, bytes | None] = field(default_factory=dict)

    def write_rows(self) -> None:
        rows: list[Any] = [self.row(number) for number in range(PEOPLE)]
        rows += [self.row(3), {"email": "nobody"}]
        rows += [{"email": f"{self.key}-own{number}@example.com"} for number in range(OWN_IDS)]
        (self.folder / "people.json").write_text(json.dumps(rows), "utf-8")

    def row(self, number: int) -> dict[str, str]:
        return {"email": f"{self.key}-{number}@example.com", "user_id": f"{self.key}{number}"}

    @property
    def files(self) -> tuple[Path, Path]:
        return self.folder / "state", self.folder / "report"

    def run(self) -> Ran:
        state, report = map(str, self.files)
        options = ("--realm", "employees", "--json", "--resume", "--state", state, "--report", report)
        return self.gatehouse.run("users", "import", str(self.folder / "people.json"), *options)

    def cut(self) -> None:
        """Keep what a killed process would leave on the disk, and fail."""
        for file in self.files:
            self.kept.setdefault(file, file.read_bytes() if file.exists() else None)
        raise Cut

    def forget_the_rest(self) -> None:
        """Take back what was written to files after the cut."""
        for file, content in self.kept.items():
            if content is None:
                file.unlink(missing_ok=True)
            else:
                file.write_bytes(content)

    def faults(self) -> list[tuple[int, str, str]]:
        lines = [json.loads(line) for line in self.files[1].read_text("utf-8").splitlines()]
        return [(line["row"], line["field"], line["code"]) for line in lines]

    def tables(self) -> tuple[dict[str, int], int]:
        """Return how many items of each kind the realm has, and the people whom its counters count."""
        table = People.of(self.gatehouse.stage, "employees").realm.users_table
        pages = self.gatehouse.stage.clients.dynamodb.get_paginator("scan").paginate(TableName=table)
        items = [item for page in pages for item in page["Items"]]
        kinds = [item["pk"]["S"].partition("#")[0] for item in items]
        counted = [int(item.get("people", {"N": "0"})["N"]) for item in items if item["pk"]["S"].startswith("count#")]
        return {kind: kinds.count(kind) for kind in ITEMS}, sum(counted)

    def people(self) -> list[str]:
        found = People.of(self.gatehouse.stage, "employees").records.all()
        return sorted(one.email for one in found if one.email.startswith(f"{self.key}-"))


@pytest.fixture
def importing(shared: Gatehouse, tmp_path: Path) -> Importing:
    made = Importing(shared, f"cut{next(_numbers)}x", tmp_path)
    made.write_rows()
    return made


def require_whole(importing: Importing, ran: Ran, before: tuple[dict[str, int], int]) -> None:
    """Check the tables, the counts and the report against those of an import that nothing interrupts."""
    expected = [f"{importing.key}-{number}@example.com" for number in range(PEOPLE)]
    expected += [f"{importing.key}-own{number}@example.com" for number in range(OWN_IDS)]
    items, counted = importing.tables()

    assert json.loads(ran.out) == {"total": NEW + REFUSED, "inserted": NEW, "updated": 0, "failed": REFUSED}
    assert importing.people() == sorted(expected)
    assert items == {kind: number + NEW for kind, number in before[0].items()}
    assert counted == before[1] + NEW
    assert importing.faults() == [(61, "user_id", "DUPLICATED_USER"), (62, "email", "FORMAT")]


@pytest.fixture(scope="module")
def calls(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many calls such an import makes before its last line of the audit log."""
    folder = tmp_path_factory.mktemp("whole")
    whole = Importing(Gatehouse(stage, folder), f"cut{next(_numbers)}x", folder)
    whole.write_rows()
    with acting_at(-1, lambda: None) as made:
        whole.run()
    return len(made) - 1


@pytest.mark.parametrize("seed", range(50))
def test_interrupted_import_ends_in_the_tables_of_one_that_was_not(importing: Importing, calls: int, seed: int) -> None:
    chance, before = random.Random(seed), importing.tables()  # noqa: S311 (a place to fail at is no secret)
    cuts = 0
    for _ in range(3):
        # The call fails before AWS sees it, or its answer is lost. A killed process makes no other.
        is_killed, when = chance.random() < 0.5, chance.choice(["before-call", "after-call"])
        importing.kept.clear()
        with acting_at(chance.randrange(calls * 3 // 4), importing.cut, when, for_good=is_killed):
            try:
                importing.run()
            except Cut:
                cuts += 1
        if is_killed:
            importing.forget_the_rest()

    assert cuts
    require_whole(importing, importing.run(), before)


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def terminal() -> Iterator[None]:
    """Take Ctrl-C as in a terminal: a process that was begun in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("share", [0, 0.5, 0.7, 0.9])
def test_ctrl_c_exits_with_130_and_the_next_run_completes(importing: Importing, calls: int, share: float) -> None:
    before = importing.tables()
    with acting_at(int(share * calls), press_ctrl_c):
        stopped = importing.run()
    ran = importing.run()

    assert (stopped.code, stopped.out, "Traceback" in stopped.err) == (130, "", False)
    require_whole(importing, ran, before)
