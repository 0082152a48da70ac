"""docs/run/operating.md: the permissions that it lists for a command are those that the command takes."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.stage.aws import Stage
from infra.stage.keys import rotate
from infra.stage.provision import apply, up
from infra.tenant.file import load
from infra.tenant.schema import TenantFile
from tests.cli.conftest import Gatehouse
from tests.cli.cut import cut_at
from tests.cli.failed_stacks import fail, moto_stack
from tests.support.tenant_documents import client, small_document, write

PAGE = (Path(__file__).parents[2] / "docs" / "run" / "operating.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `(up|apply|keys)` \| (.+) \|$", PAGE, re.MULTILINE))
RUNS: dict[str, Callable[[Stage, TenantFile], object]] = {
    "up": up,
    "apply": apply,
    "keys": lambda stage, _: rotate(stage, int(time.time())),
}


def test_up_takes_no_permission_that_the_page_lacks(gatehouse: Gatehouse) -> None:
    file = load(Path(write(gatehouse.directory, small_document())))
    with cut_at(gatehouse.stage, -1) as calls:
        up(gatehouse.stage, file)
        fail(moto_stack(gatehouse), "ROLLBACK_COMPLETE")
        fail(moto_stack(gatehouse, "staff"), "CREATE_FAILED")
        up(gatehouse.stage, file)
        up(gatehouse.stage, file)

    assert set(calls.made) - set(re.findall(r"`(\w+)`", ROWS["up"])) == set()


@pytest.mark.parametrize("command", ["apply", "keys"])
def test_command_takes_no_permission_that_the_page_lacks(gatehouse: Gatehouse, command: str) -> None:
    gatehouse.provision(small_document())
    file = load(Path(write(gatehouse.directory, small_document(clients=[client(name="Another")]))))
    with cut_at(gatehouse.stage, -1) as calls:
        RUNS[command](gatehouse.stage, file)

    assert set(calls.made) - set(re.findall(r"`(\w+)`", ROWS[command])) == set()
