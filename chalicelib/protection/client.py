"""Guesses at client secrets: an address that failed too often at a client is refused before its secret is compared."""

from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib.model.address import network
from chalicelib.model.bucket import Bucket
from chalicelib.model.clock import Clock
from chalicelib.model.tenant import SuspiciousIpThrottling
from chalicelib.protection.address import make_refusal
from chalicelib.store.buckets import CLIENTS, BucketStore
from chalicelib.store.cache import Cache, put_latest

BUCKET = Bucket(size=50, rate_ms=60_000)


@dataclass(slots=True, eq=False, repr=False)
class ClientGuard:
    """Counts the failures of client authentication by address and client. policy: says which addresses are counted.

    Unknown client_ids share one count of the address, under the client_id "". So failures at one client, or at unknown
    ones, do not shut out other clients behind the same NAT.
    A client with the right secret costs no call: only a failure shows that a bucket is full. This process remembers
    that until the bucket has room again; other processes learn it from their own first failure.
    """

    buckets: BucketStore
    policy: Callable[[], SuspiciousIpThrottling]
    clock: Clock
    _opens_at_ms: Cache[int] = field(default_factory=Cache, repr=False)

    def require_room(self, address: str, client_id: str) -> None:
        """Raise TooManyAttempts if this process knows that the address's bucket at the client is full."""
        now_ms = self.clock.now_ms()
        opens_at_ms = self._opens_at_ms.get((network(address), client_id), now_ms)
        if opens_at_ms:
            raise make_refusal(BUCKET, opens_at_ms, now_ms)

    def fail(self, address: str, client_id: str) -> None:
        """Count one failure of an address; raises TooManyAttempts if there is no room for it."""
        if not self.policy().guards(address):
            return
        if not client_id:
            # No secret was compared. At a known client one was, so that failure is counted, if need be as debt.
            self.require_room(address, client_id)
        now_ms = self.clock.now_ms()
        buckets = self.buckets.of_kind(f"{CLIENTS}#{client_id}" if client_id else CLIENTS)
        state = buckets.fill(network(address), BUCKET, now_ms)
        opens_at_ms = BUCKET.opens_at_ms(state.empties_at_ms)
        if opens_at_ms > now_ms:
            # Forgetting a full bucket costs one comparison more for each address.
            put_latest(self._opens_at_ms, (network(address), client_id), now_ms, opens_at_ms, opens_at_ms)
        if not state.had_room:
            raise make_refusal(BUCKET, opens_at_ms, now_ms)
