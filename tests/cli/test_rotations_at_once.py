"""Two rotations of one stage at the same time: the schedule's and the operator's, or two of the schedule's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.rotation.steps import PUBLISH_S, RETIRE_S
from infra.stage.keys import rotate
from tests.cli.conftest import Gatehouse
from tests.support.fixed import Clock

WRITE, CREATION = "dynamodb.PutItem", "kms.CreateKey"


@contextmanager
def overtaken(own: Gatehouse, call: str, act: Callable[[], object]) -> Iterator[None]:
    """Act once before the first such call of this block, as another run does that is a little faster."""
    service, left = call.partition(".")[0], [act]
    events = own.stage.clients.of(service).meta.events

    def overtake(**_: Any) -> None:
        if left:
            left.pop()()

    events.register(f"before-call.{call}", overtake)
    yield
    events.unregister(f"before-call.{call}", overtake)
    assert left == []


def statuses(own: Gatehouse) -> list[str]:
    return sorted(key.status for key in own.stage.config().keys().keys)


@pytest.mark.parametrize("call", [WRITE, CREATION])
def test_two_runs_at_once_publish_one_next_key(own: Gatehouse, clock: Clock, call: str) -> None:
    now, kms = int(clock()), own.stage.clients.kms
    with overtaken(own, call, lambda: rotate(own.stage, now)):
        changes, waits = rotate(own.stage, now)

    assert (changes, len(waits)) == ([], 1)
    assert statuses(own) == ["current", "next"]
    # A key that the slower run made for nothing becomes the next one at another time.
    rotate(own.stage, now + PUBLISH_S)
    rotate(own.stage, now + PUBLISH_S + RETIRE_S)
    made = len(kms.list_keys()["Keys"])
    rotate(own.stage, now + PUBLISH_S + RETIRE_S)
    assert len(kms.list_keys()["Keys"]) == made + (call == WRITE)


def test_step_that_another_run_has_taken_is_not_taken_twice(own: Gatehouse, clock: Clock) -> None:
    now = int(clock())
    rotate(own.stage, now)
    for at, after in ((PUBLISH_S, ["current", "previous"]), (PUBLISH_S + RETIRE_S, ["current"])):
        with overtaken(own, WRITE, lambda at=at: rotate(own.stage, now + at)):  # type: ignore[misc]  # of the loop
            rotate(own.stage, now + at)
        assert statuses(own)[: len(after)] == after
