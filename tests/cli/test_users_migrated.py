"""`gatehouse users migrated`."""

import json

import pytest
from typer.testing import CliRunner

from chalicelib import wiring
from infra.cli.main import app
from infra.stage.aws import Stage
from tests.support.legacy import Store, client_with_legacy

COMMAND = ("users", "migrated", "--stage", "test", "--realm", "employees", "--json")


@pytest.mark.usefixtures("stage")
def test_people_who_moved_are_counted_beside_all(stage: Stage, externals: wiring.Externals) -> None:
    before = json.loads(CliRunner().invoke(app, COMMAND).output)
    store = Store()
    with client_with_legacy(stage, externals, store) as http:
        assert http.login(username=store.add()).status_code == 200

    after = json.loads(CliRunner().invoke(app, COMMAND).output)
    for name in ("users", "migrated", "migrated_since"):
        assert after[name] == before[name] + 1
    future = json.loads(CliRunner().invoke(app, [*COMMAND, "--since", "2999-01-01"]).output)
    assert (future["migrated"], future["migrated_since"]) == (after["migrated"], 0)
