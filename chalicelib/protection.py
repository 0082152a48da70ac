"""Brute-force protection: every attempt at an account is counted before its password is looked at (docs/adr/0003)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.errors import TemporarilyUnavailable, TooManyAttempts
from chalicelib.model.tenant import BruteForceProtection
from chalicelib.store.attempts import AttemptStore, Counter, Tally
from chalicelib.store.aws import both
from chalicelib.store.transactions import Write

BLOCKED = "Your account has been blocked after multiple consecutive login attempts."
A = TypeVar("A")

UNDECIDED_S = 10
PAUSES_S = (0.05, 0.1, 0.2, *[0.4] * 10)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt on its way: what it is counted under, and the policy that it is held to."""

    counter: Counter
    policy: BruteForceProtection

    @property
    def is_counted(self) -> bool:
        """Whether the policy counts attempts from this address at all."""
        return self.policy.guards(self.counter.address)


@dataclass(frozen=True, slots=True)
class AccountGuard:
    """Counts attempts and decides them. clock: epoch seconds. pause: sleeps for so many seconds."""

    attempts: AttemptStore
    clock: Callable[[], float]
    pause: Callable[[float], None]

    def count(self, attempt: Attempt) -> None:
        """Take one attempt from the allowance.

        Where the allowance is taken but not spent, because others are on their way right now, waits for their outcome
        for up to some four seconds: a success clears the count. Raises TooManyAttempts.
        """
        if not attempt.is_counted:
            return
        for pause_s in (*PAUSES_S, None):
            tally = self._counted(attempt)
            if tally is None:
                return
            if pause_s is None or not self._is_undecided(tally):
                retry_after_s = max(1, tally.expires_at - int(self.clock()))
                raise TooManyAttempts(BLOCKED, retry_after_s=retry_after_s, event="limit_wc")
            self.pause(pause_s)

    def fail(self, attempt: Attempt) -> None:
        """Decide a counted attempt as failed."""
        if attempt.is_counted:
            self.attempts.fail(attempt.counter, int(self.clock()), attempt.policy.block_lifetime_s)

    def clear_writes(self, attempt: Attempt) -> tuple[Write, ...]:
        """Return the writes of a success: the account's count from this address is forgotten."""
        return (self.attempts.clear_write(attempt.counter),) if attempt.is_counted else ()

    @contextmanager
    def admitted(self, attempt: Attempt, meanwhile: Callable[[], A]) -> Iterator[A]:
        """Count the attempt while `meanwhile` runs, and yield the answer of that.

        If AWS fails after the count, in `meanwhile` or inside the block, the attempt is given back: nobody's allowance
        pays for that. Raises TooManyAttempts.
        """
        is_taken = False

        def take() -> None:
            nonlocal is_taken
            self.count(attempt)
            is_taken = True

        try:
            _, answer = both(take, meanwhile)
            yield answer
        except TemporarilyUnavailable:
            if is_taken:
                self.give_back(attempt)
            raise

    @contextmanager
    def given_back_on_failure(self, attempt: Attempt) -> Iterator[None]:
        """Give a counted attempt back if AWS fails inside this block."""
        try:
            yield
        except TemporarilyUnavailable:
            self.give_back(attempt)
            raise

    def give_back(self, attempt: Attempt) -> None:
        """Take a counted attempt back, where AWS kept it from being decided or its login from being completed."""
        if attempt.is_counted:
            with suppress(TemporarilyUnavailable):
                self.attempts.withdraw(attempt.counter)

    def _counted(self, attempt: Attempt) -> Tally | None:
        policy = attempt.policy
        return self.attempts.count(attempt.counter, int(self.clock()), policy.max_attempts, policy.block_lifetime_s)

    def _is_undecided(self, tally: Tally) -> bool:
        return tally.attempts > tally.failed and self.clock() - tally.counted_at < UNDECIDED_S
