"""The scheduled rotation of the signing keys, as it logs it and as those who verify tokens see it."""

from collections.abc import Iterator
from pathlib import Path

import botocore
import pytest

from chalicelib.rotation.steps import PUBLISH_S, RETIRE_S
from infra.stage.keys import rotate
from tests.support.fixed import Clock
from tests.support.rotation import DAY_S, Schedule, make_stage

HOUR_S = 3600


@pytest.fixture
def schedule(tmp_path: Path, stage: object, clock: Clock) -> Iterator[Schedule]:
    """The schedule of a stage of its own, with both algorithms."""
    del stage  # moto runs for as long as it does
    yield Schedule(make_stage(tmp_path), clock, [])


def test_keys_are_left_alone_for_ninety_days_and_their_age_is_logged(schedule: Schedule, clock: Clock) -> None:
    clock.advance(89 * DAY_S + 60)
    line = schedule.run()

    assert {name: line[name] for name in line if name != "time"} == {
        "event": "keys",
        "key_age_days": 89,
        "keys": {"RS256": 89, "ES256": 89},
        "botocore": botocore.__version__,
    }
    assert set(schedule.statuses()) == {"current"}


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_each_step_is_taken_when_it_is_due_and_logged(schedule: Schedule, clock: Clock, alg: str) -> None:
    old = schedule.statuses(alg)["current"]
    clock.advance(90 * DAY_S + 60)
    made = schedule.run()["steps"]
    new = schedule.statuses(alg)["next"]
    clock.advance(PUBLISH_S - HOUR_S)
    waited = schedule.run()
    clock.advance(HOUR_S)
    promoted = schedule.run()
    after = schedule.statuses(alg)
    clock.advance(RETIRE_S)
    retired = schedule.run()["steps"]

    assert f"make {alg} {new}" in made and f"promote {alg} {new}" in promoted["steps"] and "steps" not in waited
    assert f"retire {alg} {old}" in retired
    assert (waited["key_age_days"], promoted["key_age_days"]) == (90, 0)
    assert after == {"current": new, "previous": old}
    assert schedule.statuses(alg) == {"current": new}


def test_nothing_rotates_by_itself_if_the_tenant_file_says_so(tmp_path: Path, stage: object, clock: Clock) -> None:
    del stage
    schedule = Schedule(make_stage(tmp_path, keys={"rotation_days": 0}), clock, [])
    clock.advance(1000 * DAY_S + 60)
    line = schedule.run()

    assert (line["key_age_days"], set(schedule.statuses())) == (1000, {"current"})
    rotate(schedule.stage, clock.now_s())
    clock.advance(PUBLISH_S)
    schedule.run()
    assert set(schedule.statuses()) == {"current", "next"}


def test_schedule_goes_on_with_what_the_operator_began(schedule: Schedule, clock: Clock) -> None:
    rotate(schedule.stage, clock.now_s())
    following = schedule.statuses()["next"]
    clock.advance(PUBLISH_S)
    schedule.run()

    assert schedule.statuses()["current"] == following


def test_next_key_that_cannot_sign_does_not_and_the_line_says_so(schedule: Schedule, clock: Clock) -> None:
    rotate(schedule.stage, clock.now_s())
    following = schedule.stage.config().keys().of("RS256")[-1]
    schedule.stage.clients.kms.disable_key(KeyId=following.key_id)
    clock.advance(PUBLISH_S)
    line = schedule.run()

    assert line["error"] == "unusable_key"
    assert line["reason"] == f"the next RS256 key {following.kid} is Disabled"
    assert schedule.statuses()["next"] == following.kid
