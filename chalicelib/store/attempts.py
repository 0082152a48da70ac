"""Count attempts at passwords and their failures (docs/adr/0028): each change is one atomic write of one item.

The item is a user's `cred#ID`; or one of the attempts table, for a name that nobody has, and for the users of a backend
that keeps no counts. Both are written by the same expressions. TTL only sweeps: every condition compares the time.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.account import Account
from chalicelib.model.storage import Change, Item, Key, Read
from chalicelib.model.tenant import BruteForceProtection
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.counting import (
    clear_counts,
    count_attempt,
    count_failure,
    is_count,
    leave_network,
    take_turn,
    withdraw_attempt,
)
from chalicelib.store.dynamo import UPDATE_TRIES, Dynamo, from_item, to_item, update_of
from chalicelib.store.tally import SHARED, Closed, Counter, Tally, count_in, networks_in, place_of

# An expression has at most 4 KB.
NAMES_AT_ONCE = 100
_ACCOUNT = "account#"
# The sort key of the counts of an account in the attempts table.
_COUNTS = "counts"
_EXISTS = "attribute_exists(credential_version)"


class NoSuchItem(Exception):
    """The item of a user whose attempt was to be counted is not there."""


@dataclass(slots=True, eq=False, repr=False)
class AttemptStore:
    """Counts attempts. table: holds the counts that no user's item holds."""

    dynamo: Dynamo
    table: str

    def key_of(self, account: Account) -> Key:
        """Return the key of an account's counts in the attempts table."""
        return Key(self.table, _ACCOUNT + account.key, _COUNTS)

    def count(self, counter: Counter, policy: BruteForceProtection, now: int) -> Tally | Closed:
        """Count one attempt, and return the counts with it; or why the account takes none, and then nothing changed.

        Raises NoSuchItem.
        """
        tally = Tally.of(counter, now, {})
        for _ in range(UPDATE_TRIES):
            closed = tally.find_closed(policy.max_attempts)
            if closed:
                return closed
            try:
                return tally.later(self._update(tally, count_attempt(tally, policy)))
            except ConditionFailed as failure:
                tally = self._make_room(Tally.of(counter, now, _found(counter, failure)))
        raise TemporarilyUnavailable(reason="update_item: the counter kept changing")

    def fail(self, tally: Tally, policy: BruteForceProtection, is_judged: bool, takes_turn: bool) -> Tally | None:
        """Count a counted attempt as failed, and return the counts then; None if the user is gone.

        If a success has cleared the attempt meanwhile, it is counted again. is_judged: whether its password was looked
        at. takes_turn: whether it takes the attempt that strangers share; `turn_before` is then as it was.
        """
        turn, is_missing = take_turn(tally) if takes_turn else Change(), False
        for _ in range(UPDATE_TRIES):
            try:
                return tally.later(self._update(tally, count_failure(tally, policy, is_judged) | turn))
            except ConditionFailed as failure:
                try:
                    tally = tally.later(_found(tally.counter, failure))
                except NoSuchItem:
                    if is_missing:
                        return None
                    is_missing = True
        raise TemporarilyUnavailable(reason="update_item: the counter kept changing")

    def withdraw(self, tally: Tally, has_failed: bool) -> None:
        """Take back one counted attempt that could not be decided. has_failed: whether it was counted as failed."""
        with suppress(ConditionFailed):
            self._update(tally, withdraw_attempt(tally, has_failed))

    def clear(self, tally: Tally) -> None:
        """Forget what a success forgets, by a write of its own. Raises ConditionFailed if the user is gone."""
        self._update(tally, clear_counts(tally))

    def forget(self, key: Key) -> None:
        """Forget all counts of an item, from every network and through every door."""
        for _ in range(2 * UPDATE_TRIES):
            names = tuple(name for name in self.item(key) if is_count(name))
            if not names:
                return
            with suppress(ConditionFailed):
                some = Change(remove=names[:NAMES_AT_ONCE], conditions=("attribute_exists(pk)",))
                self.dynamo.update(key, update_of(some))
                if len(names) <= NAMES_AT_ONCE:
                    return

    def item(self, key: Key) -> Item:
        """Return the item of some counts, empty if there is none."""
        return self.dynamo.read(Read((key,), lambda items: items[0] or {}))

    def of_realm(self, realm: str) -> Iterator[tuple[Account, Item]]:
        """Return the counts in the attempts table of a realm's accounts, for the tools: a scan."""
        values = to_item({":pk": f"{_ACCOUNT}{realm}#", ":sk": _COUNTS})
        condition = "begins_with(pk, :pk) AND sk = :sk"
        for item in self.dynamo.scan(self.table, FilterExpression=condition, ExpressionAttributeValues=values):
            yield Account.of_key(item["pk"].removeprefix(_ACCOUNT)), item

    def clear_codes(self, account: Account) -> None:
        """Forget the counts of an account's second factors: attempts, messages and wrong codes."""
        pk = f"mfa#{account.key}"
        for item in self.dynamo.query(self.table, "pk = :pk", {":pk": pk}):
            self.dynamo.delete(Key(self.table, pk, item["sk"]))

    def _make_room(self, tally: Tally) -> Tally:
        """Return the counts without one ended network, if the attempt found no place among the door's networks."""
        door = tally.counter.door
        ended = [
            network
            for network in networks_in(tally.item, door)
            if count_in(tally.item, door, place_of(network)).expires_at <= tally.at
        ]
        if tally.place != SHARED or not ended:
            return tally
        with suppress(ConditionFailed):
            return Tally.of(tally.counter, tally.at, self._update(tally, leave_network(tally, ended[0])))
        return tally

    def _update(self, tally: Tally, change: Change) -> Item:
        exists = Change(conditions=(_EXISTS,)) if tally.counter.is_user else Change()
        return self.dynamo.update_and_read(tally.counter.key, update_of(exists | change))


def _found(counter: Counter, failure: ConditionFailed) -> Item:
    """Return the item that a condition found. Raises NoSuchItem if it is a user's and not there."""
    item = from_item(failure.item or {})
    if counter.is_user and "credential_version" not in item:
        raise NoSuchItem
    return item
