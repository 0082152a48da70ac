"""Suspicious-IP throttling: the failures of one address, at whatever account, fill its buckets (docs/adr/0014, 0019).

An IPv4 address has one bucket. An IPv6 address has one for its /64, and a wider one for its /48.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from chalicelib.errors import RateLimit, TooManyAttempts
from chalicelib.model.address import networks
from chalicelib.model.bucket import Bucket
from chalicelib.model.clock import Clock
from chalicelib.model.storage import Read
from chalicelib.model.tenant import SuspiciousIpThrottling
from chalicelib.store.aws.parallel import Parallel
from chalicelib.store.buckets import BucketStore

SUSPICIOUS = "We have detected suspicious login behavior and further attempts will be blocked."

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
    """

    parallel: Parallel
    buckets: BucketStore
    policy: Callable[[], SuspiciousIpThrottling]
    clock: Clock

    def read_of(self, address: str) -> Read[Fill]:
        """Return the read of an address's fill, to be made in one call with others."""
        return self.buckets.read_of(*networks(address))

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
            partial(self.buckets.fill, name, bucket, now_ms, empties_at_ms > now_ms)
            for name, bucket, empties_at_ms in counts
        ]


def _buckets(policy: SuspiciousIpThrottling) -> tuple[Bucket, Bucket]:
    """Return the bucket of each of an address's networks."""
    return policy.bucket, policy.wide_bucket
