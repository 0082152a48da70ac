"""The schedule of a local run."""

import threading

import pytest

from infra.local.schedule import every
from tests.support.limits import WAIT_S


def test_one_that_fails_is_followed_by_the_next(caplog: pytest.LogCaptureFixture) -> None:
    calls, again = list[int](), threading.Event()

    def act() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("once")
        again.set()

    with every(0.001, act):
        assert again.wait(WAIT_S)

    assert [record.message for record in caplog.records] == ["The scheduled function crashed."]


def test_one_under_way_ends_before_the_block_does_and_none_follows() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), list[threading.Thread]()

    def act() -> None:
        begun.set()
        assert may_end.wait(WAIT_S)
        ended.append(threading.current_thread())

    with every(0.001, act):
        assert begun.wait(WAIT_S)
        may_end.set()

    assert ended
    assert not ended[0].is_alive()
