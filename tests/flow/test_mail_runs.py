"""A run of the schedule is bounded in time: what it leaves, the next ones send, and nothing is sent twice."""

from dataclasses import replace

import pytest

from chalicelib import wiring
from chalicelib.settings import Settings
from chalicelib.store.outgoing import OutgoingMail, OutgoingStore
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.accounts import run_schedule
from tests.support.fixed import BCRYPT_COST, EMAIL_FROM, ISSUER, Clock
from tests.support.http import Http
from tests.support.mfa import mails_to
from tests.support.stages import provision_stage


class SlowClock(Clock):
    """A clock that goes on by a second whenever it is looked at: everything takes long."""

    def now_s(self) -> int:
        self.advance(1)
        return super().now_s()


@pytest.fixture(scope="module")
def stage(stage: Stage, demo: TenantFile) -> Stage:
    """A stage of these tests' own, where a run of the schedule finds no mails of others."""
    return provision_stage("mailruns", demo)


def test_run_stops_in_time_and_the_next_ones_send_the_rest_once(
    http: Http, stage: Stage, externals: wiring.Externals, clock: Clock
) -> None:
    queue, addresses = OutgoingStore(stage.dynamo, f"{stage.prefix}attempts"), [f"n{i}@example.com" for i in range(12)]
    for address in addresses:
        queue.queue(OutgoingMail("password-changed", "employees", address, values={"time": "now"}), clock.now_ms())
    slow = wiring.build(
        Settings(stage.name, ISSUER, BCRYPT_COST, email_from=EMAIL_FROM),
        stage.aws,
        replace(externals, clock=SlowClock(clock.now)),
    )
    http.services = lambda: slow
    sent = []
    for _ in range(8):
        run_schedule(http)
        sent.append(sum(len(mails_to(address)) for address in addresses))

    assert 0 < sent[0] < 12
    assert sent[-1] == 12
    assert {len(mails_to(address)) for address in addresses} == {1}
