"""How often a process looks again at what it knows to be closed, so that it notices an unblock within a second."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from chalicelib.model.bucket import Bucket
from chalicelib.model.clock import Clock
from chalicelib.store.cache import Cache

# Three at once, then one a second: a thousand processes that are asked all the time take a third of a key's reads.
LOOKS = Bucket(size=3, rate_ms=1_000)


@dataclass(slots=True, eq=False, repr=False)
class Looks:
    """The looks that this process has left, by what it looks at."""

    clock: Clock
    _empties_at_ms: Cache[int] = field(default_factory=Cache, repr=False)

    def take(self, key: Hashable) -> bool:
        """Return whether the process may look at this now, and take the look."""
        now_ms = self.clock.now_ms()
        empties_at_ms = self._empties_at_ms.get(key, now_ms) or now_ms
        if LOOKS.is_full(empties_at_ms, now_ms):
            return False
        self._empties_at_ms.put(key, empties_at_ms + LOOKS.rate_ms, empties_at_ms + LOOKS.rate_ms)
        return True
