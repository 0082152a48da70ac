"""The time of day, as everything that ends or is counted by it asks for it."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in UTC since 1970-01-01, in whole units that have passed."""

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
