"""Suspicious-IP throttling: the failures of one address, at whatever account, fill its bucket (docs/adr/0014)."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.errors import RateLimit, TooManyAttempts
from chalicelib.model.address import network
from chalicelib.model.bucket import Bucket
from chalicelib.model.tenant import SuspiciousIpThrottling
from chalicelib.store.batch import Place, Values
from chalicelib.store.buckets import BucketStore

SUSPICIOUS = "We have detected suspicious login behavior and further attempts will be blocked."


def throttled(bucket: Bucket, opens_at_ms: int, now_ms: int) -> TooManyAttempts:
    """Return the refusal of an address whose bucket has room again at opens_at_ms."""
    retry_after_s = max(1, -(-(opens_at_ms - now_ms) // 1000))
    limit = RateLimit(bucket.size, -(-opens_at_ms // 1000))
    return TooManyAttempts(SUSPICIOUS, retry_after_s=retry_after_s, event="limit_mu", rate_limit=limit)


@dataclass(frozen=True, slots=True)
class AddressGuard:
    """Refuses addresses that failed too often. policy: the tenant's, of now. clock: epoch seconds.

    An address is a source_ip as a request has it. seen: the item of its place, as it was read with something else.
    """

    buckets: BucketStore
    policy: Callable[[], SuspiciousIpThrottling]
    clock: Callable[[], float]

    def place(self, address: str) -> Place:
        """Return what to read for an address, best together with what is read anyway."""
        return self.buckets.place(network(address))

    def require_room(self, address: str, seen: Values | None) -> None:
        """Let an address pass that may fail once more; raises TooManyAttempts for any other."""
        policy, now_ms = self.policy(), self._now_ms()
        empties_at_ms = _empties_at_ms(seen)
        if policy.guards(address) and policy.bucket.is_full(empties_at_ms, now_ms):
            raise throttled(policy.bucket, policy.bucket.opens_at_ms(empties_at_ms), now_ms)

    def fail(self, address: str, seen: Values | None) -> None:
        """Count one failure of an address."""
        policy, now_ms = self.policy(), self._now_ms()
        if policy.guards(address):
            self.buckets.fill(network(address), policy.bucket, now_ms, is_running=_empties_at_ms(seen) > now_ms)

    def _now_ms(self) -> int:
        return int(1000 * self.clock())


def _empties_at_ms(seen: Values | None) -> int:
    return int(seen["empties_at_ms"]) if seen else 0
