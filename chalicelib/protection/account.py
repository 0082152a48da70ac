"""Brute-force protection: every attempt at an account is counted before its password is checked (docs/adr/0003)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from chalicelib.errors import RateLimit, TemporarilyUnavailable, TooManyAttempts
from chalicelib.model.account import Account
from chalicelib.model.address import network
from chalicelib.model.clock import Clock
from chalicelib.model.storage import Read, Write
from chalicelib.model.tenant import BruteForceProtection
from chalicelib.model.user import User
from chalicelib.protection.address import AddressGuard, Fill
from chalicelib.store.attempts import ANYWHERE, AttemptCount, AttemptStore, Counter, FailureCount, FailureStore
from chalicelib.store.aws.parallel import Parallel
from chalicelib.store.dynamo import Dynamo

BLOCKED = "Your account has been blocked after multiple consecutive login attempts."

UNDECIDED_S = 10
PAUSES_S = (0.05, 0.1, 0.2, *[0.4] * 10)
# How many attempts at an account may fail in a row, from all addresses. Source: NIST SP 800-63B-4 3.2.2.
MAX_FAILURES_IN_A_ROW = 100
# From then on, addresses that no login of the account came from share one attempt in this time.
SHARED_ATTEMPT_S = 900


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One attempt at an account, and the policy that counts it.

    address: the source_ip. fill: of the address's buckets, as AddressGuard reads it.
    """

    account: Account
    address: str
    policy: BruteForceProtection
    fill: Fill

    @property
    def is_counted(self) -> bool:
        """Whether the policy counts attempts from this address at all."""
        return self.policy.guards(self.address)

    @property
    def counter(self) -> Counter:
        """The counter of this attempt."""
        return Counter(self.account, network(self.address) if self.policy.is_per_address else ANYWHERE)


@dataclass(frozen=True, slots=True)
class AdmittedAttempt:
    """A counted attempt whose password may be checked. user: the account's, None if it has none.

    has_total: whether the account has a count of failures, which a success clears.
    """

    attempt: LoginAttempt
    user: User | None
    has_total: bool


@dataclass(slots=True, eq=False, repr=False)
class AccountGuard:
    """Counts attempts and their failures. pause: sleeps for that many seconds.

    dynamo: reads users and totals. addresses: counts the failures of the address too. on_block: is called with each
    account that a failure blocks, known or unknown, and the time.
    """

    dynamo: Dynamo
    parallel: Parallel
    attempts: AttemptStore
    totals: FailureStore
    addresses: AddressGuard
    on_block: Callable[[Account, int], None]
    clock: Clock
    pause: Callable[[float], None]

    @contextmanager
    def admit(self, attempt: LoginAttempt, user_read: Read[User | None]) -> Iterator[AdmittedAttempt]:
        """Count the attempt while the user and the account's total are read, and yield it with both.

        If AWS fails after the count, in the read or inside the block, the attempt is given back: the account does not
        pay for that. Raises TooManyAttempts.
        """
        with ExitStack() as counted:

            def count() -> None:
                self.count(attempt)
                counted.enter_context(self.give_back_on_failure(attempt))

            # The count may have to wait. It waits on this thread, and so blocks none of the shared pool.
            total_of = self.totals.read_of(attempt.account)
            (user, total), _ = self.parallel.both(lambda: self.dynamo.read_all(user_read, total_of), count)
            if attempt.is_counted and total:
                self._require_shared_attempt(attempt, user, total)
            yield AdmittedAttempt(attempt, user, has_total=total is not None)

    def count(self, attempt: LoginAttempt) -> None:
        """Take one attempt from the allowance; raises TooManyAttempts.

        If attempts that are not decided yet have taken the whole allowance, wait up to about four seconds for their
        results: a success clears the count.
        """
        if not attempt.is_counted:
            return
        for pause_s in (*PAUSES_S, None):
            count = self._count_once(attempt)
            if count is None:
                return
            if pause_s is None or not self._is_undecided(count):
                raise self._make_refusal(attempt, count.expires_at)
            self.pause(pause_s)

    def fail(self, attempt: LoginAttempt) -> None:
        """Count a failed attempt three times: for the account from this address, for the account, for the address."""
        failures = self.addresses.failures(attempt.address, attempt.fill)
        if attempt.is_counted:
            now = self.clock.now_s()
            failures += [lambda: self._fail_here(attempt, now), lambda: self.totals.fail(attempt.account, now)]
        self.parallel.together(*failures)

    def clear_writes(self, admitted: AdmittedAttempt) -> tuple[Write, ...]:
        """Return the writes of a success: the account's failures are forgotten, from this address and in total."""
        attempt = admitted.attempt
        if not attempt.is_counted:
            return ()
        total = (self.totals.clear_write(attempt.account),) if admitted.has_total else ()
        return (self.attempts.clear_write(attempt.counter), *total)

    @contextmanager
    def give_back_on_failure(self, attempt: LoginAttempt) -> Iterator[None]:
        """Give a counted attempt back if AWS fails inside this block, or the shared attempt of strangers is taken."""
        try:
            yield
        except (TemporarilyUnavailable, TooManyAttempts):
            self.give_back(attempt)
            raise

    def give_back(self, attempt: LoginAttempt) -> None:
        """Take a counted attempt back if AWS kept it from being decided or its login from being completed."""
        if attempt.is_counted:
            with suppress(TemporarilyUnavailable):
                self.attempts.withdraw(attempt.counter)

    def _fail_here(self, attempt: LoginAttempt, now: int) -> None:
        """Count a failure at an account from one address, and call on_block if it blocks the account."""
        count = self.attempts.fail(attempt.counter, now, attempt.policy.block_lifetime_s)
        if count.failed >= attempt.policy.max_attempts:
            self.on_block(attempt.account, now)

    def _require_shared_attempt(self, attempt: LoginAttempt, user: User | None, total: FailureCount) -> None:
        """Raise TooManyAttempts if the account failed too often in a row and strangers have no attempt left.

        An address of an earlier login always passes. All others share one attempt in SHARED_ATTEMPT_S, which is taken
        by one conditional write.
        """
        now = self.clock.now_s()
        if total.expires_at <= now or total.failed < MAX_FAILURES_IN_A_ROW:
            return
        if user and network(attempt.address) in user.known_addresses:
            return
        if total.next_attempt_at > now:
            raise self._make_refusal(attempt, total.next_attempt_at)
        if not self.totals.take_shared_attempt(attempt.account, now, now + SHARED_ATTEMPT_S):
            raise self._make_refusal(attempt, now + SHARED_ATTEMPT_S)

    def _make_refusal(self, attempt: LoginAttempt, until: int) -> TooManyAttempts:
        retry_after_s = max(1, until - self.clock.now_s())
        limit = RateLimit(attempt.policy.max_attempts, until)
        return TooManyAttempts(BLOCKED, retry_after_s=retry_after_s, event="limit_wc", rate_limit=limit)

    def _count_once(self, attempt: LoginAttempt) -> AttemptCount | None:
        policy = attempt.policy
        return self.attempts.count(attempt.counter, self.clock.now_s(), policy.max_attempts, policy.block_lifetime_s)

    def _is_undecided(self, count: AttemptCount) -> bool:
        return count.attempts > count.failed and self.clock.now_s() - count.counted_at < UNDECIDED_S
