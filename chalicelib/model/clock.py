"""The clock: the one source of the time for lifetimes and counters."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time since 1970-01-01 UTC, rounded down to whole units."""

    def now_s(self) -> int: ...
    def now_ms(self) -> int: ...


def in_words(epoch_s: int) -> str:
    """Return a time as emails have it: `27 November 2026, 05:31 UTC`."""
    at = datetime.fromtimestamp(epoch_s, UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


class SystemClock:
    """The clock of the machine."""

    def now_s(self) -> int:
        """Return the time in whole seconds."""
        return int(time.time())

    def now_ms(self) -> int:
        """Return the time in whole milliseconds."""
        return int(1000 * time.time())
