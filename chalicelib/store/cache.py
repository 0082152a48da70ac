"""Values that a process remembers until they expire, so that it need not ask for them again."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

V = TypeVar("V")

CACHE_SIZE = 10_000


@dataclass(slots=True, eq=False, repr=False)
class Cache(Generic[V]):
    """At most `size` values by key. If it is full, the oldest is dropped first. Times are in the caller's unit."""

    size: int = CACHE_SIZE
    entries: dict[Hashable, tuple[float, V]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def get(self, key: Hashable, now: float) -> V | None:
        """Return the value of a key; None if there is none, or it has expired."""
        entry = self.entries.get(key)
        return entry[1] if entry and entry[0] > now else None

    def put(self, key: Hashable, expires_at: float, value: V) -> None:
        """Remember a value until expires_at."""
        with self.lock:
            self.entries.pop(key, None)
            if len(self.entries) >= self.size:
                del self.entries[next(iter(self.entries))]
            self.entries[key] = (expires_at, value)

    def change(self, key: Hashable, value: V) -> None:
        """Remember another value of a key that is remembered, for as long as that one."""
        with self.lock:
            if key in self.entries:
                self.entries[key] = (self.entries[key][0], value)

    def drop(self, key: Hashable) -> None:
        """Forget the value of a key."""
        with self.lock:
            self.entries.pop(key, None)


def put_latest(cache: Cache[int], key: Hashable, now: float, expires_at: float, time: int) -> None:
    """Remember the latest of the times that are told about a key. An earlier one changes nothing.

    Answers of calls that ran at the same time come in any order.
    """
    with cache.lock:
        known = cache.get(key, now)
        if known is None or known < time:
            cache.put(key, expires_at, time)


def shorten(lifetime_s: int, choose: Callable[[int], int]) -> int:
    """Return a lifetime that is up to a fifth shorter, by chance, so that processes do not ask again all at once.

    choose: returns a random number below the given one.
    """
    return lifetime_s - choose(lifetime_s // 5 + 1)
