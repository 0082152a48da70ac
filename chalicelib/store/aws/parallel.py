"""Calls that run at the same time, on threads that all requests of a process share."""

import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

THREADS = 64


def _new_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="aws")


@dataclass(frozen=True, slots=True)
class Parallel:
    """Runs calls at the same time. Each runs in the caller's context, and so under its request's budget."""

    pool: ThreadPoolExecutor = field(default_factory=_new_pool, repr=False)

    def both(self, first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
        """Run two calls and return both answers; failures are raised as `together` raises them."""
        (ended,), answered = self._run_all((first,), second)
        return ended.result(), answered.result()

    def together(self, *calls: Callable[[], A]) -> tuple[A, ...]:
        """Run several calls and return all answers.

        A failure is raised once all calls have ended; if several fail, it is the first one's.
        """
        if not calls:
            return ()
        ended, answered = self._run_all(calls[:-1], calls[-1])
        return tuple(future.result() for future in (*ended, answered))

    def _run_all(self, others: tuple[Callable[[], A], ...], last: Callable[[], B]) -> tuple[list[Future[A]], Future[B]]:
        """Return the ended futures of calls that ran at the same time: the last one on this thread.

        This thread also runs each call that no thread of the pool has begun by then. So it never waits for a free
        thread: a call that runs in the pool may run several itself, however busy the pool is.
        """
        begun = [self.pool.submit(contextvars.copy_context().run, other) for other in others]
        answered = _run(last)
        ended = [_run(other) if future.cancel() else future for future, other in zip(begun, others, strict=True)]
        wait(ended)
        return ended, answered


def _run(call: Callable[[], A]) -> "Future[A]":
    """Run a call on this thread, and return its ended future."""
    future: Future[A] = Future()
    try:
        future.set_result(call())
    except BaseException as failure:  # raised by the future once the other calls have ended
        future.set_exception(failure)
    return future
