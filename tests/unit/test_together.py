"""Calls that run at the same time, on threads that the whole process shares."""

from collections.abc import Callable
from threading import Barrier, current_thread

import pytest

from chalicelib.store.aws.parallel import Parallel
from tests.support.threads import at_once

# More than the pool has threads.
THREADS = 200
PATIENCE_S = 30

_parallel = Parallel()
both, together = _parallel.both, _parallel.together


def fails(words: str) -> Callable[[], None]:
    def call() -> None:
        raise ValueError(words)

    return call


def test_calls_run_at_the_same_time_and_are_answered_in_order() -> None:
    meeting = Barrier(3)

    def meets(name: str) -> Callable[[], str]:
        def call() -> str:
            meeting.wait(PATIENCE_S)
            return name

        return call

    assert together(meets("a"), meets("b"), meets("c")) == ("a", "b", "c")


def test_no_call_is_no_answer_and_one_runs_on_the_callers_thread() -> None:
    assert together() == ()
    assert together(current_thread) == (current_thread(),)


@pytest.mark.parametrize("ways", [2, 3])
def test_calls_inside_of_calls_end_however_many_threads_run_them(ways: int) -> None:
    # Each of the pool's threads holds a call that needs another thread.
    def nested(depth: int) -> int:
        return sum(together(*[lambda: nested(depth - 1)] * ways)) if depth else 1

    assert at_once(THREADS, lambda _: nested(3)) == [ways**3] * THREADS


def test_failure_is_raised_once_all_have_ended() -> None:
    ended: list[str] = []

    with pytest.raises(ValueError, match="first"):
        together(fails("first"), lambda: ended.append("second"), lambda: ended.append("third"))
    with pytest.raises(ValueError, match="last"):
        both(lambda: ended.append("first"), fails("last"))

    assert sorted(ended) == ["first", "second", "third"]


def test_of_several_failures_the_first_calls_is_raised() -> None:
    with pytest.raises(ValueError, match="first"):
        both(fails("first"), fails("second"))
