"""An account's counters in the attempts table: how often a password was tried, and how often that failed.

A counter counts the attempts from one network or, if the policy says so, from all. A total counts the failures in a row
from all networks.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.account import Account
from chalicelib.model.storage import Item, Key, Read, Write
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import UPDATE_TRIES, Dynamo, Update, delete_write, from_item, to_item

# The address of a counter that all addresses share.
ANYWHERE = "*"
# Counted from the last failure. It is a constant, so that slow guessing does not start again after each short block.
FAILURES_LIFETIME_S = 2_592_000
_ACCOUNT = "account#"
_ADDRESS = "address#"
# The sort key of the total, beside those of an account's counters.
_TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Counter:
    """The key of a counter. address: the network that the attempts come from, or ANYWHERE."""

    account: Account
    address: str


@dataclass(frozen=True, slots=True)
class AttemptCount:
    """The state of a counter. Times are epoch seconds.

    attempts: those counted. failed: those of them that failed; the others are not decided yet.
    """

    attempts: int
    failed: int
    counted_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class FailureCount:
    """The state of an account's total. Times are epoch seconds.

    next_attempt_at: when strangers have one more attempt, 0 for now. expires_at: when the total is forgotten.
    """

    failed: int
    next_attempt_at: int
    expires_at: int


@dataclass(slots=True, eq=False, repr=False)
class AttemptStore:
    """Counts attempts, each change one atomic write. TTL only sweeps: expires_at is compared in every condition."""

    dynamo: Dynamo
    table: str

    def count(self, counter: Counter, now: int, max_attempts: int, lifetime_s: int) -> AttemptCount | None:
        """Count one attempt and return None; if max_attempts are counted already, return that count."""
        counted = Update(
            "ADD attempts :one, failed :zero SET counted_at = :now, expires_at = :end",
            "attribute_not_exists(attempts) OR (attempts < :max AND expires_at > :now)",
            {":now": now, ":max": max_attempts, ":one": 1, ":zero": 0, ":end": now + lifetime_s},
        )
        for _ in range(UPDATE_TRIES):
            try:
                self.dynamo.update_and_read(self._key(counter), counted)
            except ConditionFailed as failure:
                count = _attempt_count_from(from_item(failure.item or {}))
            else:
                return None
            if count.expires_at > now:
                return count
            if self._restart(counter, count, now, lifetime_s):
                return None
        raise TemporarilyUnavailable(reason="update_item: the counter kept changing")

    def fail(self, counter: Counter, now: int, lifetime_s: int) -> AttemptCount:
        """Count a counted attempt as failed, and return the count then.

        If a success has cleared the attempt meanwhile, it is counted again.
        """
        decided = Update("ADD failed :one", "attempts > failed", {":one": 1})
        anew = Update(
            "ADD attempts :one, failed :one SET counted_at = :now, expires_at = :end",
            "attribute_not_exists(attempts) OR attempts <= failed",
            {":one": 1, ":now": now, ":end": now + lifetime_s},
        )
        _, values = self.dynamo.update_by_first(self._key(counter), decided, anew)
        return _attempt_count_from(values)

    def withdraw(self, counter: Counter) -> None:
        """Take back one counted attempt that could not be decided."""
        with suppress(ConditionFailed):
            withdrawn = Update("ADD attempts :minus", "attempts > failed", {":minus": -1})
            self.dynamo.update_and_read(self._key(counter), withdrawn)

    def clear_write(self, counter: Counter) -> Write:
        """Return the write that forgets a counter, for the transaction of a success."""
        return delete_write(self._key(counter))

    def of_account(self, account: Account) -> list[tuple[Counter, AttemptCount | FailureCount]]:
        """Return the counts of an account by address, and its total, whose address is ANYWHERE."""
        return [_state_from(item) for item in self._of_key(_ACCOUNT + account.key)]

    def of_realm(self, realm: str) -> Iterator[tuple[Counter, AttemptCount | FailureCount]]:
        """Return the counts of all accounts of a realm, for the tools: a scan, which no request makes."""
        values = to_item({":pk": f"{_ACCOUNT}{realm}#"})
        condition = "begins_with(pk, :pk)"
        found = self.dynamo.scan(self.table, FilterExpression=condition, ExpressionAttributeValues=values)
        yield from map(_state_from, found)

    def clear_account(self, account: Account) -> None:
        """Forget an account's counters from every address and its total."""
        self._clear(_ACCOUNT + account.key)

    def clear_codes(self, account: Account) -> None:
        """Forget the counts of an account's second factors: attempts, messages and wrong codes."""
        self._clear(f"mfa#{account.key}")

    def _clear(self, pk: str) -> None:
        for item in self._of_key(pk):
            self.dynamo.delete(Key(self.table, pk, item["sk"]))

    def _of_key(self, pk: str) -> list[Item]:
        return self.dynamo.query(self.table, "pk = :pk", {":pk": pk})

    def _restart(self, counter: Counter, ended: AttemptCount, now: int, lifetime_s: int) -> bool:
        """Start an expired count again with one attempt; return False if another request was faster."""
        begun = Update(
            "SET attempts = :one, failed = :zero, counted_at = :now, expires_at = :end",
            "expires_at = :ended",
            {":one": 1, ":zero": 0, ":now": now, ":end": now + lifetime_s, ":ended": ended.expires_at},
        )
        try:
            self.dynamo.update_and_read(self._key(counter), begun)
        except ConditionFailed:
            return False
        return True

    def _key(self, counter: Counter) -> Key:
        return Key(self.table, _ACCOUNT + counter.account.key, _ADDRESS + counter.address)


@dataclass(slots=True, eq=False, repr=False)
class FailureStore:
    """Counts failures, each one atomic write. TTL only sweeps: expires_at is compared in every condition."""

    dynamo: Dynamo
    table: str

    def read_of(self, account: Account) -> Read[FailureCount | None]:
        """Return the read of an account's total, which may have expired."""
        return Read((self._key(account),), lambda items: _failure_count_from(items[0]) if items[0] else None)

    def fail(self, account: Account, now: int) -> None:
        """Count one failure."""
        values = {":one": 1, ":now": now, ":end": now + FAILURES_LIFETIME_S}
        running = Update(
            "ADD failed :one SET expires_at = :end",
            "attribute_not_exists(expires_at) OR expires_at > :now",
            values,
        )
        ended = Update("SET failed = :one, expires_at = :end REMOVE next_turn_at", "expires_at <= :now", values)
        self.dynamo.update_by_first(self._key(account), running, ended)

    def take_shared_attempt(self, account: Account, now: int, next_attempt_at: int) -> bool:
        """Take the attempt that strangers share, and set when the next one may follow; return False if it is taken.

        One conditional write.
        """
        taken = Update(
            "SET next_turn_at = :next",
            "attribute_exists(failed) AND (attribute_not_exists(next_turn_at) OR next_turn_at <= :now)",
            {":next": next_attempt_at, ":now": now},
        )
        try:
            self.dynamo.update_and_read(self._key(account), taken)
        except ConditionFailed as failure:
            # A login succeeded meanwhile, so there is no total any more.
            return failure.item is None
        return True

    def clear_write(self, account: Account) -> Write:
        """Return the write that forgets a total, for the transaction of a success."""
        return delete_write(self._key(account))

    def _key(self, account: Account) -> Key:
        return Key(self.table, _ACCOUNT + account.key, _TOTAL)


def _state_from(item: Item) -> tuple[Counter, AttemptCount | FailureCount]:
    account = Account.of_key(item["pk"].removeprefix(_ACCOUNT))
    if item["sk"] == _TOTAL:
        return Counter(account, ANYWHERE), _failure_count_from(item)
    return Counter(account, item["sk"].removeprefix(_ADDRESS)), _attempt_count_from(item)


def _attempt_count_from(item: Item) -> AttemptCount:
    """Return the state of a counter, 0 for each value that its item lacks."""
    return AttemptCount(*(item.get(name, 0) for name in ("attempts", "failed", "counted_at", "expires_at")))


def _failure_count_from(item: Item) -> FailureCount:
    return FailureCount(item["failed"], item.get("next_turn_at", 0), item["expires_at"])
