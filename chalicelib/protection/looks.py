"""How often a process looks again at what it knows to be closed, so that it notices an unblock within a second."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from chalicelib.model.clock import Clock
from chalicelib.store.cache import Cache

# A thousand processes that are asked all the time make so many reads of one key in a second: less than it takes.
LOOKS_A_SECOND = 2
SECOND_MS = 1_000


@dataclass(slots=True, eq=False, repr=False)
class Looks:
    """The latest looks of this process, by what it looked at."""

    clock: Clock
    _made_at_ms: Cache[tuple[int, ...]] = field(default_factory=Cache)

    def take(self, key: Hashable) -> bool:
        """Return whether the process may look at this now, and remember the look; False if it did often enough."""
        now_ms = self.clock.now_ms()
        latest = [at for at in self._made_at_ms.get(key, now_ms) or () if at > now_ms - SECOND_MS]
        if len(latest) >= LOOKS_A_SECOND:
            return False
        self._made_at_ms.put(key, now_ms + SECOND_MS, (*latest, now_ms))
        return True
