"""Two Regions with a replica of the tables each, and the protocol by which one of them is home (docs/run/scaling.md).

The application is the real one. The protocol stands around it: it is a design, and no part of the product.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from chalicelib.store.aws.http_reply import Reply
from infra.local.moto_transport import MotoTransport
from tests.support.fake_aws.expressions import Item
from tests.support.fake_aws.tables import AwsError, Key, Tables
from tests.support.fixed import Clock

LEASE_S = 30
# How far the clocks of two Regions may be apart.
SKEW_S = 2
# A request that was admitted ends within this time (docs/adr/0016).
REQUEST_S = 8
# For so long after the last moment of a Region, another may still see a code of an app that this one took: the step of
# the moment, the one after it, and the one before.
CODE_S = 90
# The longest life of a client's assertion, and the leeway (chalicelib/assertions.py).
ASSERTION_S = 310
TARGET = "DynamoDB_20120810."


@dataclass(frozen=True, slots=True)
class Protocol:
    """The rules that a fail-over heeds. A mutant heeds less: tests show that the simulation sees it."""

    waits_for_lease: bool = True
    ends_before_lease: bool = True
    forgets_old_things: bool = True
    waits_for_times: bool = True
    replicates_first: bool = True
    waits_for_clocks: bool = True


@dataclass(frozen=True, slots=True)
class Home:
    """A realm's home: one item that all Regions read and write consistently.

    until: of the lease, by the clock of the home. valid_since: the epoch of the oldest things that count.
    clean_at: from when on no earlier home can have taken what is only known by its time.
    """

    region: str
    epoch: int = 1
    until: float = 0
    valid_since: int = 1
    clean_at: float = 0


@dataclass
class Witness:
    """The one item. protocol: by which homes change."""

    home: Home
    protocol: Protocol = field(default_factory=Protocol)

    def renew(self, name: str, now: float) -> bool:
        """Prolong the lease of the home, by a conditional write."""
        if self.home.region != name:
            return False
        self.home = replace(self.home, until=now + LEASE_S)
        return True

    def take_over(self, name: str, now: float) -> bool:
        """Make a Region the home, by a conditional write: once the lease is over for whatever clock."""
        if self.home.region == name or (self.protocol.waits_for_lease and now <= self.home.until + SKEW_S):
            return False
        epoch = self.home.epoch + 1
        valid_since = epoch if self.protocol.forgets_old_things else self.home.valid_since
        clean_at = now if self.protocol.waits_for_times else 0
        self.home = Home(name, epoch, now + LEASE_S, valid_since, clean_at)
        return True

    def hand_over(self, name: str, now: float) -> None:
        """Make a Region the home that has all that the home wrote. The home's lease was given up, and is over."""
        self.home = replace(self.home, region=name, epoch=self.home.epoch + 1, until=now + LEASE_S)


# A moment of a Region, and the number of the write: later ones are greater.
Stamp = tuple[float, int, str]
# An item as it was written, None if it was deleted.
Written = tuple[Key, Item | None, Stamp]


@dataclass(slots=True)
class Replica(Tables):
    """A Region's tables. written: when each item was, by any Region. outbox: what the other Region has not got yet."""

    region: str = ""
    clock: Callable[[], float] = lambda: 0
    written: dict[Key, Stamp] = field(default_factory=dict)
    outbox: list[Written] = field(default_factory=list)
    writes: int = 0

    def receive(self, key: Key, item: Item | None, stamp: Stamp) -> None:
        """Apply another Region's write, unless a later one is here: the last writer wins."""
        if stamp > self.written.get(key, (0, 0, "")):
            self.written[key] = stamp
            Tables._keep(self, key, item)

    def _keep(self, key: Key, item: Item | None) -> None:
        self.writes += 1
        self.written[key] = stamp = (self.clock(), self.writes, self.region)
        self.outbox.append((key, item, stamp))
        Tables._keep(self, key, item)


@dataclass
class Region:
    """A Region: its application, its tables, its clock, and what it knows of the home.

    send: sends a request to the application. known: the home as this Region saw it last. pause: called between the AWS
    calls of a request, once, before the call of this number.
    """

    name: str
    clock: Clock
    tables: Replica
    known: Home | None = None
    pause: tuple[int, Callable[[], None]] | None = None

    def admit(self, protocol: Protocol) -> bool:
        """Return whether the Region may take a request: it is home until the request has surely ended."""
        spare = REQUEST_S if protocol.ends_before_lease else 0
        home = self.known
        if home is None or home.region != self.name:
            return False
        return not protocol.waits_for_lease or self.clock() + spare < home.until

    def give_up(self) -> None:
        """Stop being home."""
        self.known = None

    def counts(self, epoch: int) -> bool:
        """Return whether a thing of that epoch may be taken."""
        return self.known is not None and epoch >= self.known.valid_since

    def is_clean_since(self, at: float) -> bool:
        """Return whether no home was lost before this Region, or that was before a time."""
        return self.known is not None and (not self.known.clean_at or self.known.clean_at < at)

    def __call__(self, host: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer a call of the application: items from this Region's tables, the rest, such as KMS, from moto."""
        if self.pause:
            left, act = self.pause
            self.pause = (left - 1, act) if left else None
            if not left:
                act()
        named = {name.lower(): value for name, value in headers.items()}
        operation = named.get("x-amz-target", "").partition(TARGET)[2]
        if not operation:
            return MotoTransport()(host, headers, body)
        try:
            return Reply(200, {}, json.dumps(self.tables.answer(operation, json.loads(body))).encode())
        except AwsError as refused:
            return Reply(400, {}, json.dumps(refused.body).encode())
