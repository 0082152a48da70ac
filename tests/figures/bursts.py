"""Simulate an attacker who sends many guesses at once from one address, against the real buckets on moto.

`make figures` (`python -m tests.figures.bursts`) prints what docs/run/attack-protection.md quotes.
"""

import sys
from dataclasses import dataclass, field

from chalicelib.errors import TooManyAttempts
from chalicelib.model.tenant import SuspiciousIpThrottling
from chalicelib.protection.address import AddressGuard
from chalicelib.protection.looks import Looks
from chalicelib.store.aws.parallel import Parallel
from chalicelib.store.buckets import LOGINS, BucketStore
from infra.local.emulated_aws import local_aws
from infra.stage.aws import Stage
from tests.figures.simulation import DAY_S, provision_demo
from tests.support.fixed import Clock

DAYS = 30
IN_FLIGHT = (1, 60, 1000)


@dataclass
class Burst:
    """One address. in_flight: the number of guesses that it sends at once. judged: guesses that were checked."""

    in_flight: int
    days: int = DAYS
    judged: int = 0
    clock: Clock = field(default_factory=lambda: Clock(1_800_000_000))

    def run(self, stage: Stage) -> "Burst":
        """Send bursts for all days, each as soon as the address is not blocked."""
        buckets = BucketStore(stage.dynamo, f"{stage.prefix}attempts", LOGINS)
        guard = AddressGuard(Parallel(), buckets, SuspiciousIpThrottling, self.clock, Looks(self.clock))
        address, end = f"10.0.{self.in_flight >> 8}.{self.in_flight & 255}", self.clock.now + self.days * DAY_S
        while self.clock.now < end:
            fill = buckets.dynamo.read(guard.read_of(address))
            try:
                guard.require_room(address, fill)
            except TooManyAttempts as refusal:
                self.clock.now += refusal.retry_after_s
                continue
            # All of them read the same bucket.
            for _ in range(self.in_flight):
                guard.fail(address, fill)
            self.judged += self.in_flight
        return self


def main() -> None:
    """Print a line for each number of guesses in flight."""
    with local_aws():
        stage = provision_demo("bursts")
        for in_flight in IN_FLIGHT:
            burst = Burst(in_flight).run(stage)
            sys.stdout.write(f"{in_flight:,} at once: {burst.judged:,} looked at in {DAYS} days\n")


if __name__ == "__main__":
    main()
