"""Suspicious-IP throttling: the failures of one address, at whatever account, fill its buckets (docs/adr/0014, 0019).

An IPv4 address has one bucket. An IPv6 address has one for its /64, and a wider one for its /48.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeGuard

from chalicelib.errors import RateLimit, TooManyAttempts
from chalicelib.model.address import networks
from chalicelib.model.bucket import Bucket
from chalicelib.model.clock import Clock
from chalicelib.model.storage import Read
from chalicelib.model.tenant import SuspiciousIpThrottling
from chalicelib.protection.looks import Looks
from chalicelib.store.aws.parallel import Parallel
from chalicelib.store.buckets import BucketStore
from chalicelib.store.cache import Cache, put_latest

SUSPICIOUS = "We have detected suspicious login behavior and further attempts will be blocked."
# How long a process goes by what it saw of a bucket.
MEMORY_MS = 10_000

# When the bucket of each of an address's networks will be empty: epoch milliseconds, 0 if it is.
Fill = tuple[int, ...]


def make_refusal(bucket: Bucket, opens_at_ms: int, now_ms: int) -> TooManyAttempts:
    """Return the error for an address whose bucket has room again at opens_at_ms."""
    retry_after_s = max(1, -(-(opens_at_ms - now_ms) // 1000))
    limit = RateLimit(bucket.size, -(-opens_at_ms // 1000))
    return TooManyAttempts(SUSPICIOUS, retry_after_s=retry_after_s, event="limit_mu", rate_limit=limit)


@dataclass(slots=True, eq=False, repr=False)
class AddressGuard:
    """Refuses addresses that failed too often. policy: returns the tenant's current one.

    address: a request's source_ip. fill: the state of its buckets, as read_of reads it; () if it was not read.
    This process remembers the buckets that it read or filled. So an address in good standing is not read: it is counted
    exactly by its failures, and each of these tells the state anew. A full one is read twice a second at most.
    """

    parallel: Parallel
    buckets: BucketStore
    policy: Callable[[], SuspiciousIpThrottling]
    clock: Clock
    looks: Looks
    _empties_at_ms: Cache[int] = field(default_factory=Cache, repr=False)

    def read_of(self, address: str) -> Read[Fill]:
        """Return the read of an address's fill, to be made in one call with others.

        It reads nothing if the policy does not guard the address, or if its buckets are known to be half empty.
        """
        policy, names, now_ms = self.policy(), networks(address), self.clock.now_ms()
        if not policy.guards(address):
            return Read((), lambda _: ())
        known = tuple(self._empties_at_ms.get(name, now_ms) for name in names)
        fill = tuple(one for one, bucket in zip(known, _buckets(policy), strict=False) if _is_good(one, bucket, now_ms))
        if len(fill) == len(names):
            return Read((), lambda _: fill)
        read = self.buckets.read_of(*names)
        return Read(read.keys, lambda items: self._remember(names, read.parse(items)))

    def require_not_full(self, address: str) -> None:
        """Raise TooManyAttempts if this process knows that a bucket of the address is full, and looked just now.

        It makes no call.
        """
        policy, now_ms = self.policy(), self.clock.now_ms()
        if not policy.guards(address):
            return
        for name, bucket in zip(networks(address), _buckets(policy), strict=False):
            empties_at_ms = self._empties_at_ms.get(name, now_ms) or 0
            if bucket.is_full(empties_at_ms, now_ms) and not self.looks.take(("address", name)):
                raise make_refusal(bucket, bucket.opens_at_ms(empties_at_ms), now_ms)

    def require_room(self, address: str, fill: Fill) -> None:
        """Raise TooManyAttempts if a bucket of the address has no room for one more failure."""
        policy, now_ms = self.policy(), self.clock.now_ms()
        if not policy.guards(address):
            return
        for bucket, empties_at_ms in zip(_buckets(policy), fill, strict=False):
            if bucket.is_full(empties_at_ms, now_ms):
                raise make_refusal(bucket, bucket.opens_at_ms(empties_at_ms), now_ms)

    def fail(self, address: str, fill: Fill) -> None:
        """Count one failure of an address."""
        self.parallel.together(*self.failures(address, fill))

    def failures(self, address: str, fill: Fill) -> list[Callable[[], object]]:
        """Return the calls that count one failure of an address, to make at the same time."""
        policy, now_ms = self.policy(), self.clock.now_ms()
        if not policy.guards(address):
            return []
        counts = zip(networks(address), _buckets(policy), fill or (0, 0), strict=False)
        return [
            partial(self._fill, name, bucket, now_ms, empties_at_ms > now_ms) for name, bucket, empties_at_ms in counts
        ]

    def _fill(self, name: str, bucket: Bucket, now_ms: int, is_running: bool) -> None:
        state = self.buckets.fill(name, bucket, now_ms, is_running)
        now_ms = self.clock.now_ms()
        put_latest(self._empties_at_ms, name, now_ms, now_ms + MEMORY_MS, state.empties_at_ms)

    def _remember(self, names: tuple[str, ...], fill: Fill) -> Fill:
        expires_at_ms = self.clock.now_ms() + MEMORY_MS
        for name, empties_at_ms in zip(names, fill, strict=True):
            self._empties_at_ms.put(name, expires_at_ms, empties_at_ms)
        return fill


def _is_good(empties_at_ms: int | None, bucket: Bucket, now_ms: int) -> TypeGuard[int]:
    """Return whether a bucket, as this process knows it, is half empty.

    Above that, requests read it, so that guesses by way of several processes pass its limit by none.
    """
    return empties_at_ms is not None and bucket.is_half_empty(empties_at_ms, now_ms)


def _buckets(policy: SuspiciousIpThrottling) -> tuple[Bucket, Bucket]:
    """Return the bucket of each of an address's networks."""
    return policy.bucket, policy.wide_bucket
