"""The stage of the revision before, and a client of today's application on it."""

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from infra.stage.keys import data_key_changes
from infra.stage.migration.migrate import Migration
from tests.support.fixed import Clock, Hashes
from tests.support.http import Http
from tests.support.rules import client_with_rules
from tests.upgrade.filled import Filled, fill

OFFLINE = "openid offline_access read:timesheets"


def require_mfa_where_needed(user: Any, context: Any) -> None:
    """The rule of the stage: a login of whoever has a second factor asks for it."""
    if user.app_metadata.get("needs_mfa") and context.protocol != "oauth2-refresh-token":
        context.multifactor = {"provider": "any"}


@pytest.fixture(params=["as it was", "migrated"])
def filled(stage: Stage, request: pytest.FixtureRequest) -> Filled:
    """The stage, as it was left and after `gatehouse migrate`: its people notice nothing."""
    filled = fill()
    if request.param == "migrated":
        data_key_changes(filled.stage, dry_run=False)
        Migration(filled.stage).run()
    return filled


@pytest.fixture
def clock(filled: Filled) -> Clock:
    """The clock, a little later than the fixture was made, while its logins wait."""
    return Clock(filled.at + 40.0)


@pytest.fixture
def http(filled: Filled, clock: Clock, hashes: Hashes) -> Iterator[Http]:
    externals = wiring.Externals(clock=clock, pause=clock.pause, verify=hashes.verify)
    with client_with_rules(filled.stage, externals, require_mfa_where_needed, ip="192.0.2.33") as client:
        yield client
