"""An account's total in the attempts table: how often in a row it was guessed at wrongly, from all addresses."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.model.account import Account
from chalicelib.model.storage import Item, Key, Read
from chalicelib.store.aws import ConditionFailed
from chalicelib.store.changes import Change, make, make_one_of
from chalicelib.store.dynamo import key_item
from chalicelib.store.transactions import Write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

# The sort key of the total, beside those of an account's counters.
TOTAL = "total"
# From the last failure on. A constant, so that a short block does not let slow guessing begin anew each time.
LIFETIME_S = 2_592_000


@dataclass(frozen=True, slots=True)
class Total:
    """What a total stands at. Times are epoch seconds.

    next_turn_at: from when on one more attempt may be made, 0 for now. expires_at: when it counts no more.
    """

    failed: int
    next_turn_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class TotalStore:
    """Counts failures, each one atomic write. TTL only sweeps: expires_at is compared in every condition."""

    dynamodb: "DynamoDBClient"
    table: str

    def read_of(self, account: Account) -> Read[Total | None]:
        """Return the read of an account's total, which may have expired."""
        return Read((self._key(account),), lambda items: total_from(items[0]) if items[0] else None)

    def fail(self, account: Account, now: int) -> None:
        """Count one failure."""
        values = {":one": 1, ":now": now, ":end": now + LIFETIME_S}
        running = Change(
            "ADD failed :one SET expires_at = :end",
            "attribute_not_exists(expires_at) OR expires_at > :now",
            values,
        )
        ended = Change("SET failed = :one, expires_at = :end REMOVE next_turn_at", "expires_at <= :now", values)
        make_one_of(self.dynamodb, self._key(account), running, ended)

    def take_turn(self, account: Account, now: int, next_turn_at: int) -> bool:
        """Whether an attempt may be made now; none other may until next_turn_at, then. One conditional write."""
        change = Change(
            "SET next_turn_at = :next",
            "attribute_exists(failed) AND (attribute_not_exists(next_turn_at) OR next_turn_at <= :now)",
            {":next": next_turn_at, ":now": now},
        )
        try:
            make(self.dynamodb, self._key(account), change)
        except ConditionFailed as failure:
            # Somebody got in meanwhile, and there is no total any more.
            return failure.item is None
        return True

    def clear_write(self, account: Account) -> Write:
        """Return the write that forgets a total, for the transaction of a success."""
        return {"Delete": {"TableName": self.table, "Key": key_item(self._key(account))}}

    def _key(self, account: Account) -> Key:
        return Key(self.table, f"account#{account.key}", TOTAL)


def total_from(values: Item) -> Total:
    """Return the total that an item holds."""
    return Total(values["failed"], values.get("next_turn_at", 0), values["expires_at"])
