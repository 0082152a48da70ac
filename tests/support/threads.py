"""Make calls at once, in threads that do not block the test's end if they hang."""

from collections.abc import Callable
from threading import Barrier, Thread
from time import monotonic
from typing import TypeVar

from tests.support.limits import WAIT_S

A = TypeVar("A")


def at_once(count: int, call: Callable[[int], A], patience_s: float = WAIT_S) -> list[A]:
    """Make count calls at the same moment, each with its number; return the answers in any order.

    Raises TimeoutError if a call has not ended in time.
    """
    meeting, answers = Barrier(count), list[A]()

    def run(number: int) -> None:
        meeting.wait(patience_s)
        answers.append(call(number))

    threads = [Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    deadline = monotonic() + patience_s
    for thread in threads:
        thread.join(max(0, deadline - monotonic()))
    if any(thread.is_alive() for thread in threads):
        raise TimeoutError(f"{len(answers)} of {count} calls have ended after {patience_s} seconds")
    return answers
