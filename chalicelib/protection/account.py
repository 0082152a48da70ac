"""Brute-force protection: every attempt at an account is counted before its password is checked (docs/adr/0003, 0028).

This module is the one place that asks the store to count: what remembers closed accounts stands before `_count`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.account import Account
from chalicelib.model.address import network
from chalicelib.model.clock import Clock
from chalicelib.model.directory import UserOf
from chalicelib.model.storage import Change, Item, Key, Read
from chalicelib.model.tenant import BruteForceProtection
from chalicelib.model.user import Credentials
from chalicelib.protection.address import AddressGuard, Fill
from chalicelib.protection.closed import THROTTLED, ClosedName, ClosedNames, TypedName, make_refusal
from chalicelib.store.attempts import AttemptStore, NoSuchItem
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.aws.parallel import Parallel
from chalicelib.store.counting import clear_counts
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.tally import MAX_FAILURES_IN_A_ROW, NOBODY, Closed, Counter, Tally

PAUSES_S = (0.05, 0.1, 0.2, *[0.4] * 10)


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One attempt at an account, and the policy that counts it.

    counts: the key of the item that counts it. door: its letter there (`store/tally.py`). is_user: whether that item is
    a user's. address: the source_ip. fill: of the address's buckets, as AddressGuard reads it. name: None if none was
    typed.
    """

    account: Account
    counts: Key
    door: str
    is_user: bool
    address: str
    policy: BruteForceProtection
    fill: Fill
    name: TypedName | None = None

    @property
    def is_counted(self) -> bool:
        """Whether the policy counts attempts from this address at all."""
        return self.policy.guards(self.address)

    @property
    def counter(self) -> Counter:
        """The place of this attempt among the counts."""
        return Counter(self.counts, self.door, network(self.address), self.policy.is_per_address, self.is_user)


@dataclass(frozen=True, slots=True)
class AdmittedAttempt:
    """A counted attempt. user: the account's, None if it has none. tally: the counts, None if it is not counted.

    is_judged: whether the answer may depend on the password; if not, the user's attempts are used up under another
    name. takes_turn: whether it does only if this attempt is the one that strangers share. has_failed: whether it is
    counted as failed already.
    """

    attempt: LoginAttempt
    user: Credentials | None
    tally: Tally | None
    is_judged: bool = True
    takes_turn: bool = False
    has_failed: bool = False


@dataclass(slots=True, eq=False, repr=False)
class AccountGuard:
    """Counts attempts and their failures. pause: sleeps for that many seconds.

    dynamo: reads what stands beside the counts. addresses: counts the failures of the address too.
    closed: the names that take no attempt. on_block: is called
    with each account that a failure blocks, known or unknown, and the time.
    """

    dynamo: Dynamo
    parallel: Parallel
    attempts: AttemptStore
    addresses: AddressGuard
    closed: ClosedNames
    on_block: Callable[[Account, int], None]
    clock: Clock
    pause: Callable[[float], None]

    @contextmanager
    def admit(
        self, attempt: LoginAttempt, beside: Read[UserOf], without_item: Callable[[], LoginAttempt]
    ) -> Iterator[AdmittedAttempt]:
        """Count the attempt while what the user needs besides is read, and yield it with the user.

        without_item: returns the attempt to count if the item of the user is not there. If AWS fails after the count,
        in the read or inside the block, the attempt is given back: the account does not pay for that.
        Raises TooManyAttempts.
        """
        with ExitStack() as counted:

            def count() -> tuple[AdmittedAttempt, Item]:
                found = self._count_at_either(attempt, without_item)
                counted.enter_context(self._give_back_on_failure(found[0]))
                return found

            # The count may have to wait. It waits on this thread, and so blocks none of the shared pool.
            if beside.keys:
                user_of, (admitted, item) = self.parallel.both(lambda: self.dynamo.read(beside), count)
            else:
                (admitted, item), user_of = count(), self.dynamo.read(beside)
            yield replace(admitted, user=user_of(item))

    def decide(self, admitted: AdmittedAttempt, is_right: bool) -> AdmittedAttempt | None:
        """Return the attempt if its login goes on; if not, count a failure and return None.

        A stranger's attempt at a user who failed too often is counted as failed in any case. Its write tells if it is
        the one that strangers share: so a right password that comes too late makes no other calls than a wrong one.
        """
        if is_right and admitted.is_judged and not admitted.takes_turn:
            return admitted
        after = self._fail(admitted, is_right)
        return replace(admitted, tally=after, has_failed=True) if is_right and _has_turn(admitted, after) else None

    def clear(self, admitted: AdmittedAttempt) -> None:
        """Forget the account's failures, by a write of its own; if AWS fails, the attempt is given back.

        Raises ConditionFailed if the user is gone.
        """
        if admitted.tally:
            with self._give_back_on_failure(admitted):
                self.attempts.clear(admitted.tally)

    def give_back(self, admitted: AdmittedAttempt) -> None:
        """Take a counted attempt back if AWS kept it from being decided or its login from being completed."""
        if admitted.tally:
            with suppress(TemporarilyUnavailable):
                self.attempts.withdraw(admitted.tally, admitted.has_failed)

    def forgive(self, attempt: LoginAttempt, item: Item) -> Change | None:
        """Return the change that a success makes in the attempt's counts; None if it is not counted.

        item: the counts as they were read.
        """
        return clear_counts(Tally.of(attempt.counter, self.clock.now_s(), item)) if attempt.is_counted else None

    def _count_at_either(
        self, attempt: LoginAttempt, without_item: Callable[[], LoginAttempt]
    ) -> tuple[AdmittedAttempt, Item]:
        with suppress(NoSuchItem):
            return self._count(attempt)
        try:
            return self._count(without_item())
        except NoSuchItem:
            raise TemporarilyUnavailable(reason="update_item: the user comes and goes") from None

    def _count(self, attempt: LoginAttempt) -> tuple[AdmittedAttempt, Item]:
        """Take one attempt from the allowance, and return it with the item that counts it.

        If attempts that are not decided yet have taken the whole allowance, wait up to about four seconds for their
        results: a success clears the count. Raises TooManyAttempts, NoSuchItem.
        """
        if not attempt.is_counted:
            return self._read_uncounted(attempt)
        for pause_s in (*PAUSES_S, None):
            found = self._count_once(attempt)
            if isinstance(found, Tally):
                if pause_s is None or not self._may_wait(attempt, found):
                    return self._admit(attempt, found), found.item
                self.attempts.withdraw(found, has_failed=False)
            elif pause_s is None or not found.is_undecided:
                self._remember(attempt, found)
                raise make_refusal(attempt.policy, found.until, self.clock.now_s())
            self.pause(pause_s or 0)
        raise AssertionError("the last try returns or raises")

    def _count_once(self, attempt: LoginAttempt) -> Tally | Closed:
        """Count one attempt. If its item takes no write, the next attempts are looked at before they are counted."""
        try:
            return self.attempts.count(attempt.counter, attempt.policy, self.clock.now_s())
        except TemporarilyUnavailable:
            self._remember(attempt, THROTTLED)
            raise

    def _read_uncounted(self, attempt: LoginAttempt) -> tuple[AdmittedAttempt, Item]:
        item = self.attempts.item(attempt.counts)
        if attempt.is_user and not item:
            raise NoSuchItem
        return AdmittedAttempt(attempt, None, None), item

    def _admit(self, attempt: LoginAttempt, tally: Tally) -> AdmittedAttempt:
        """Return a counted attempt. It is judged if the user's attempts are not used up, through whatever door."""
        has_room = tally.judged <= attempt.policy.max_attempts
        takes_turn = tally.in_a_row >= MAX_FAILURES_IN_A_ROW and not tally.is_known
        is_free = not takes_turn or tally.next_turn_at <= tally.at
        return AdmittedAttempt(
            attempt, None, tally, is_judged=has_room and is_free, takes_turn=takes_turn and has_room and is_free
        )

    def _may_wait(self, attempt: LoginAttempt, tally: Tally) -> bool:
        """Return whether attempts through another door have taken the user's allowance, and may yet succeed.

        Only an attempt from where the user logged in before waits for them: a stranger could tell by the wait that two
        names are one user's.
        """
        return tally.judged > attempt.policy.max_attempts and tally.is_known and tally.is_undecided_elsewhere

    def _fail(self, admitted: AdmittedAttempt, is_right: bool) -> Tally | None:
        """Count a failure at the account and at the address; return the account's counts then."""
        attempt, tally = admitted.attempt, admitted.tally
        failures = self.addresses.failures(attempt.address, attempt.fill)

        def fail_here() -> Tally | None:
            if tally is None:
                return None
            after = self.attempts.fail(tally, attempt.policy, admitted.is_judged, admitted.takes_turn)
            closed = after.find_closed(attempt.policy.max_attempts) if after else None
            self._remember(attempt, closed)
            is_blocked = after is not None and after.count.failed >= attempt.policy.max_attempts
            if is_blocked and not (is_right and _has_turn(admitted, after)):
                self.on_block(attempt.account, tally.at)
            return after

        _, after = self.parallel.both(lambda: self.parallel.together(*failures), fail_here)
        return after

    def _remember(self, attempt: LoginAttempt, closed: Closed | None) -> None:
        if attempt.name and not closed:
            self.closed.keep_watching(attempt.name)
        elif attempt.name and closed:
            user_id = None if attempt.door == NOBODY else attempt.account.id
            self.closed.remember(attempt.name, ClosedName(user_id, attempt.counter, closed))

    @contextmanager
    def _give_back_on_failure(self, admitted: AdmittedAttempt) -> Iterator[None]:
        """Give a counted attempt back if AWS fails inside this block, or the user is another one by now."""
        try:
            yield
        except (TemporarilyUnavailable, ConditionFailed):
            self.give_back(admitted)
            raise


def _has_turn(admitted: AdmittedAttempt, after: Tally | None) -> bool:
    """Return whether an attempt is the one that strangers share. after: the counts that its failure left."""
    return admitted.takes_turn and after is not None and after.item["turn_before"] <= after.at
