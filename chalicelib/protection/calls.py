"""The bounds of calls that anybody may make, by address: sign-ups, asked-for emails, and codes of emails."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.address import networks
from chalicelib.model.bucket import Bucket
from chalicelib.model.clock import Clock
from chalicelib.model.storage import Write
from chalicelib.model.tenant import WIDE_FACTOR, SuspiciousIpThrottling
from chalicelib.protection.address import make_refusal
from chalicelib.store.code_attempts import Allowance, AllowanceStore


@dataclass(frozen=True, slots=True)
class CallLimit:
    """How many calls of one kind an address may make. name: of its bucket, beside the address's others."""

    name: str
    bucket: Bucket


SIGN_UPS = CallLimit("sign-ups", Bucket(50, 1200))
MAILS = CallLimit("mails", Bucket(10, 6000))
CODES = CallLimit("codes", Bucket(10, 6000))


@dataclass(slots=True, eq=False, repr=False)
class CallGuard:
    """Counts the calls of an address before they are answered. policy: says which addresses are counted."""

    allowances: AllowanceStore
    commit: Callable[[tuple[Write, ...]], None]
    policy: Callable[[], SuspiciousIpThrottling]
    clock: Clock

    def take(self, limit: CallLimit, address: str) -> None:
        """Count one call of an address; raises TooManyAttempts. A /48 has WIDE_FACTOR times an address's bounds."""
        if not self.policy().guards(address):
            return
        now_ms, taken = self.clock.now_ms(), tuple[Write, ...]()
        for network, factor in zip(networks(address), (1, WIDE_FACTOR), strict=False):
            bucket = limit.bucket.times(factor)
            allowance = Allowance(f"address#{network}", limit.name, bucket)
            wait_ms = self.allowances.take(allowance, now_ms)
            if wait_ms:
                with suppress(TemporarilyUnavailable):
                    self.commit(taken)
                raise make_refusal(bucket, now_ms + wait_ms, now_ms)
            taken = (*taken, self.allowances.give_back(allowance))
