"""The budget of one request for AWS: its calls are counted, and no try begins that could not end in time.

The request's own work is not counted, such as a hash or the team's rules. docs/adr/0016 has the sums.
"""

import contextvars
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

REQUEST_BUDGET_S = 8
CONNECT_TIMEOUT_S = 0.5
READ_TIMEOUT_S = 1
# The longest pause before a throttled call is tried a second time.
LONGEST_PAUSE_S = 1
TRY_S = CONNECT_TIMEOUT_S + READ_TIMEOUT_S
# If the last try fails, there is time for one more: it gives back what the request used up.
LAST_CLEANUP_S = REQUEST_BUDGET_S - TRY_S
LAST_TRY_S = LAST_CLEANUP_S - TRY_S


class Budget:
    """The time of one request: the seconds in which at least one of its calls was under way.

    calls: their number. throttles: how many of their tries AWS throttled, by service.
    """

    def __init__(self, clock: Callable[[], float], last_try_s: float = LAST_TRY_S) -> None:
        """clock: seconds, from any beginning. last_try_s: no try begins after so many counted seconds."""
        self.calls = 0
        self.throttles: dict[str, int] = {}
        self._clock = clock
        self._last_try_s = last_try_s
        self._spent_s = 0.0
        self._under_way = 0
        self._since = 0.0
        self._lock = threading.Lock()

    @contextmanager
    def count_time(self) -> Iterator[None]:
        """Count the time of this block, its pauses too. Calls that are under way together count once."""
        with self._lock:
            self._since = self._since if self._under_way else self._clock()
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
                self._spent_s += 0 if self._under_way else self._clock() - self._since

    def has_time(self, pause_s: float = 0) -> bool:
        """Return whether a try that begins after a pause of so many seconds ends in time."""
        with self._lock:
            running_s = self._clock() - self._since if self._under_way else 0
            return self._spent_s + running_s + pause_s <= self._last_try_s

    def count_throttle(self, service: str) -> None:
        """Count one try that AWS throttled."""
        with self._lock:
            self.throttles[service] = self.throttles.get(service, 0) + 1

    def allow_cleanup(self) -> None:
        """Let tries begin until LAST_CLEANUP_S from now on.

        A call failed, and the calls that follow give back what the request used up.
        """
        self._last_try_s = max(self._last_try_s, LAST_CLEANUP_S)


_budget: contextvars.ContextVar[Budget | None] = contextvars.ContextVar("aws_budget", default=None)


@contextmanager
def open_budget(clock: Callable[[], float]) -> Iterator[Budget]:
    """Limit the calls of this block by one request's budget, those on the threads of `both` too.

    clock: seconds, from any beginning.
    """
    budget = Budget(clock)
    token = _budget.set(budget)
    try:
        yield budget
    finally:
        _budget.reset(token)


def current() -> Budget:
    """Return the request's budget, or one without end if there is no request, as for the tools."""
    return _budget.get() or Budget(time.monotonic, math.inf)
