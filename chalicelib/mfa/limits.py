"""How often codes may be guessed and sent. Each try is counted before it is looked at (docs/mfa.md "Limits")."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.errors import SlowDown, TooManyAttempts
from chalicelib.mfa.case import Case
from chalicelib.store.buckets import Bucket, BucketStore
from chalicelib.store.transactions import Write

MINUTE_MS = 60_000
# What the store knows it by, how many at once, and after how long there is one more.
CODES = ("codes", 10, 6 * MINUTE_MS)
RECOVERY_CODES = ("recovery-codes", 10, 6 * MINUTE_MS)
MESSAGES = {"sms": ("sms", 10, 60 * MINUTE_MS), "email": ("email", 20, MINUTE_MS)}
POLL_INTERVAL_MS = 5_000
TOO_MANY_CODES = "Too many failed codes. Wait for some minutes before retrying."
TOO_MANY_MESSAGES = "Too many messages sent to the user. Wait for some minutes before retrying."
Limit = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Limits:
    """Takes tries, per person. clock: epoch seconds."""

    buckets: BucketStore
    clock: Callable[[], float]

    def take_code(self, case: Case, limit: Limit, event: str) -> Write:
        """Take one try at a code, and return the write that gives it back for a right one; raises TooManyAttempts."""
        bucket = _bucket(case, limit)
        self._take(bucket, TOO_MANY_CODES, event)
        return self.buckets.give_back(bucket)

    def take_message(self, case: Case, kind: str) -> None:
        """Take one message by sms or email; raises TooManyAttempts."""
        self._take(_bucket(case, MESSAGES[kind]), TOO_MANY_MESSAGES, "gd_otp_rate_limit_exceed")

    def take_poll(self, case: Case, challenge_id: str) -> None:
        """Take one look at whether a code was shown; raises SlowDown."""
        bucket = Bucket(f"mfa#{case.account}", f"poll#{challenge_id}", 1, POLL_INTERVAL_MS)
        if self.buckets.take(bucket, self._now_ms()):
            raise SlowDown("Polled too fast: wait five seconds between two requests.")

    def _take(self, bucket: Bucket, words: str, event: str) -> None:
        wait_ms = self.buckets.take(bucket, self._now_ms())
        if wait_ms:
            raise TooManyAttempts(words, retry_after_s=-(-wait_ms // 1000), event=event)

    def _now_ms(self) -> int:
        return int(1000 * self.clock())


def _bucket(case: Case, limit: Limit) -> Bucket:
    name, tries, interval_ms = limit
    return Bucket(f"mfa#{case.account}", name, tries, interval_ms)
