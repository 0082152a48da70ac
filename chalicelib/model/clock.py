"""The clock: the one source of the time for lifetimes and counters."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time since 1970-01-01 UTC, rounded down to whole units."""

    def now_s(self) -> int: ...
    def now_ms(self) -> int: ...


class SystemClock:
    """The clock of the machine."""

    def now_s(self) -> int:
        """Return the time in whole seconds."""
        return int(time.time())

    def now_ms(self) -> int:
        """Return the time in whole milliseconds."""
        return int(1000 * time.time())
