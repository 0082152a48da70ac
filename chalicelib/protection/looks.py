"""How often a process looks again at what it knows to be closed, and how many it then lets in (docs/adr/0031)."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from chalicelib.model.bucket import Bucket
from chalicelib.model.clock import Clock
from chalicelib.store.cache import Cache

# Three at once, then one a second: a thousand processes that are asked all the time take a third of a key's reads.
LOOKS = Bucket(size=3, rate_ms=1_000)
# Five at once, then on average one in ten seconds: from a thousand processes these take less writes than an item takes.
TRICKLE = Bucket(size=5, rate_ms=10_000)


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


@dataclass(slots=True, eq=False, repr=False)
class Trickle:
    """Lets few attempts through: some at once, then each after a random while, so not in all processes together.

    choose: returns a random number below the given one.
    """

    clock: Clock
    choose: Callable[[int], int]
    _empties_at_ms: Cache[int] = field(default_factory=Cache, repr=False)

    def take(self, key: Hashable) -> int:
        """Return 0 if an attempt may pass now, and take its place; else when the next one may, in epoch seconds."""
        now_ms = self.clock.now_ms()
        empties_at_ms = self._empties_at_ms.get(key, now_ms) or now_ms
        if TRICKLE.is_full(empties_at_ms, now_ms):
            return -(-TRICKLE.opens_at_ms(empties_at_ms) // 1000)
        is_last = TRICKLE.is_full(empties_at_ms + TRICKLE.rate_ms, now_ms)
        empties_at_ms += self.choose(2 * TRICKLE.rate_ms) if is_last else TRICKLE.rate_ms
        self._empties_at_ms.put(key, empties_at_ms, empties_at_ms)
        return 0
