"""How often codes may be guessed and sent. Each try is counted before it is looked at (docs/mfa.md "Limits")."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.errors import RateLimit, SlowDown, TooManyAttempts
from chalicelib.mfa.case import Case
from chalicelib.model.bucket import Bucket
from chalicelib.store.transactions import Write
from chalicelib.store.tries import Tries, TryStore

MINUTE_MS = 60_000
# What the store knows it by; how many at once, and after how long there is one more.
CODES = ("codes", Bucket(10, 6 * MINUTE_MS))
RECOVERY_CODES = ("recovery-codes", Bucket(10, 6 * MINUTE_MS))
MESSAGES = {"sms": ("sms", Bucket(10, 60 * MINUTE_MS)), "email": ("email", Bucket(20, MINUTE_MS))}
POLLS = Bucket(1, 5_000)
TOO_MANY_CODES = "Too many failed codes. Wait for some minutes before retrying."
TOO_MANY_MESSAGES = "Too many messages sent to the user. Wait for some minutes before retrying."
Limit = tuple[str, Bucket]


@dataclass(frozen=True, slots=True)
class Limits:
    """Takes tries, per person. clock: epoch seconds."""

    tries: TryStore
    clock: Callable[[], float]

    def take_code(self, case: Case, limit: Limit, event: str) -> Write:
        """Take one try at a code, and return the write that gives it back for a right one; raises TooManyAttempts."""
        tries = _tries(case, limit)
        self._take(tries, TOO_MANY_CODES, event)
        return self.tries.give_back(tries)

    def take_message(self, case: Case, kind: str) -> None:
        """Take one message by sms or email; raises TooManyAttempts."""
        self._take(_tries(case, MESSAGES[kind]), TOO_MANY_MESSAGES, "gd_otp_rate_limit_exceed")

    def take_poll(self, case: Case, challenge_id: str) -> None:
        """Take one look at whether a code was shown; raises SlowDown."""
        if self.tries.take(_tries(case, (f"poll#{challenge_id}", POLLS)), self._now_ms()):
            raise SlowDown("Polled too fast: wait five seconds between two requests.")

    def _take(self, tries: Tries, words: str, event: str) -> None:
        now_ms = self._now_ms()
        wait_ms = self.tries.take(tries, now_ms)
        if wait_ms:
            limit = RateLimit(tries.bucket.size, -(-(now_ms + wait_ms) // 1000))
            raise TooManyAttempts(words, retry_after_s=-(-wait_ms // 1000), event=event, rate_limit=limit)

    def _now_ms(self) -> int:
        return int(1000 * self.clock())


def _tries(case: Case, limit: Limit) -> Tries:
    return Tries(f"mfa#{case.account}", *limit)
