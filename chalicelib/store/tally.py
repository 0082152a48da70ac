"""The counts of attempts in one item: a user's `cred#ID`, or the item of a name that nobody has. Pure (docs/adr/0028).

A door is the kind of name that was typed. Each door has counts of its own, as if its name were an account of its own:
attempts by network, and failures in a row over all networks. The user's counts are the sum of both doors' judged ones.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from chalicelib.model.storage import Item, Key

# The letters of the doors, with which the names of their attributes begin.
DOORS = {"username": "u", "email": "e"}
# The door of names that nobody has.
NOBODY = "n"
# The place of a count that all addresses share, if the policy says so.
ANYWHERE = "all"
# The place of the count that networks share once a door has MAX_NETWORKS of them. It counts what is under way alone.
SHARED = "shared"
MAX_NETWORKS = 20
# The letters of the parts of one count, in the order of AttemptCount.
COUNT_LETTERS = "afxce"
# How many attempts at an account may fail in a row, from all addresses. Source: NIST SP 800-63B-4 3.2.2.
MAX_FAILURES_IN_A_ROW = 100
UNDECIDED_S = 10


@dataclass(frozen=True, slots=True)
class Counter:
    """The place of one attempt among the counts of an item.

    door: its letter; "" for an attempt without a typed name. network: that the attempt comes from. is_per_network:
    whether each network has a count of its own. is_user: whether the item is a user's, which no count may make.
    """

    key: Key
    door: str
    network: str
    is_per_network: bool
    is_user: bool


@dataclass(frozen=True, slots=True)
class AttemptCount:
    """The count of one door and network. Times are epoch seconds.

    attempts: those counted. failed: those of them that failed; the others are not decided yet. excused: failures that
    do not count against the user, because their password was not judged or a login through another door succeeded.
    """

    attempts: int = 0
    failed: int = 0
    excused: int = 0
    counted_at: int = 0
    expires_at: int = 0

    def is_undecided(self, now: int) -> bool:
        """Return whether an attempt may still be decided. One that takes too long counts as failed."""
        return self.attempts > self.failed and now - self.counted_at < UNDECIDED_S


@dataclass(frozen=True, slots=True)
class FailureCount:
    """The failures in a row of one door, from all networks. Times are epoch seconds.

    excused: as in AttemptCount. next_attempt_at: when strangers have one more attempt, 0 for now.
    """

    failed: int = 0
    excused: int = 0
    next_attempt_at: int = 0
    expires_at: int = 0

    def is_slow(self, now: int) -> bool:
        """Return whether strangers share one attempt in a while."""
        return self.expires_at > now and self.failed >= MAX_FAILURES_IN_A_ROW


@dataclass(frozen=True, slots=True)
class Closed:
    """An account that takes no attempt. until: epoch seconds. is_undecided: whether an attempt may yet succeed.

    known: if all networks are refused but those that the user logged in from, these, between blanks; else None.
    """

    until: int
    is_undecided: bool
    known: str | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of an item, as one attempt finds them. at: epoch seconds of the attempt. place: of its count."""

    counter: Counter
    at: int
    item: Item
    place: str

    @classmethod
    def of(cls, counter: Counter, at: int, item: Item) -> "Tally":
        """Return the counts of an item. The attempt's place follows from the networks that the item has."""
        return cls(counter, at, item, _find_place(counter, counter.door, item))

    def later(self, item: Item) -> "Tally":
        """Return the counts as they are in a later state of the item, at the attempt's place."""
        return replace(self, item=item)

    @property
    def is_known(self) -> bool:
        """Return whether the user logged in from this network before."""
        return f" {self.counter.network} " in f" {self.item.get('known_addresses', '')} "

    @property
    def count(self) -> AttemptCount:
        """The count of the attempt's own door and place."""
        return count_in(self.item, self.counter.door, self.place)

    @property
    def total(self) -> FailureCount:
        """The failures in a row of the attempt's own door."""
        return total_in(self.item, self.counter.door)

    @property
    def next_turn_at(self) -> int:
        """When strangers to the user have one more attempt, through whatever door: epoch seconds, 0 for now."""
        return int(self.item.get("turn_at", 0))

    def find_closed(self, max_attempts: int) -> Closed | None:
        """Return why the door takes no attempt now; None if it takes one."""
        return self.find_full(max_attempts) or (None if self.is_known else self.find_slow())

    def find_full(self, max_attempts: int) -> Closed | None:
        """Return until when the attempts from this network are used up; None if they are not."""
        count = self.count
        is_full = count.expires_at > self.at and count.attempts >= max_attempts
        return Closed(count.expires_at, count.is_undecided(self.at)) if is_full else None

    def find_slow(self) -> Closed | None:
        """Return until when the door takes no attempt of strangers; None if it takes one."""
        next_at = self.total.next_attempt_at
        if not self.total.is_slow(self.at) or next_at <= self.at:
            return None
        return Closed(next_at, is_undecided=False, known=self.item.get("known_addresses", ""))

    @property
    def is_slowed(self) -> bool:
        """Return whether the door is slow for this network."""
        return self.total.is_slow(self.at) and not self.is_known

    @property
    def judged(self) -> int:
        """How many attempts from this network count against the user, through all doors."""
        counts = (count for _, count in self._counts())
        return sum(count.attempts - count.excused for count in counts if count.expires_at > self.at)

    @property
    def in_a_row(self) -> int:
        """How many failures in a row count against the user, through all doors."""
        totals = (total_in(self.item, door) for door in doors_in(self.item))
        return sum(total.failed - total.excused for total in totals if total.expires_at > self.at)

    @property
    def is_undecided_elsewhere(self) -> bool:
        """Return whether an attempt through another door may still succeed."""
        return any(door != self.counter.door and count.is_undecided(self.at) for door, count in self._counts())

    def places(self) -> Iterator[tuple[str, str]]:
        """Yield each other door of the item, with the place of this network there."""
        for door in doors_in(self.item):
            if door != self.counter.door:
                yield door, _find_place(self.counter, door, self.item)

    def _counts(self) -> Iterator[tuple[str, AttemptCount]]:
        """Yield the count of this network at each door."""
        yield self.counter.door, self.count
        for door, place in self.places():
            yield door, count_in(self.item, door, place)


def place_of(network: str) -> str:
    """Return the place of a network's counts: a digest, as an attribute's name holds no dots."""
    return hashlib.sha256(network.encode()).hexdigest()[:16]


def doors_in(item: Item) -> list[str]:
    """Return the doors that an item has counts of."""
    return [door for door in (*DOORS.values(), NOBODY) if f"{door}_failed" in item]


def count_in(item: Item, door: str, place: str) -> AttemptCount:
    """Return the count of a door and place."""
    return AttemptCount(*(item.get(f"{door}{letter}_{place}", 0) for letter in COUNT_LETTERS))


def total_in(item: Item, door: str) -> FailureCount:
    """Return the failures in a row of a door."""
    return FailureCount(*(item.get(f"{door}_{name}", 0) for name in ("failed", "excused", "turn_at", "ends_at")))


def networks_in(item: Item, door: str) -> frozenset[str]:
    """Return the networks that have a count of their own at a door."""
    networks: frozenset[str] = item.get(f"{door}_networks", frozenset())
    return networks


def _find_place(counter: Counter, door: str, item: Item) -> str:
    if not counter.is_per_network:
        return ANYWHERE
    networks = networks_in(item, door)
    is_known = f" {counter.network} " in f" {item.get('known_addresses', '')} "
    if counter.network in networks or is_known or len(networks) < MAX_NETWORKS:
        return place_of(counter.network)
    return SHARED
