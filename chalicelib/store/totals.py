"""An account's total in the attempts table: how often in a row it was guessed at wrongly, from all addresses."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.store.aws import ConditionFailed
from chalicelib.store.batch import Place, Values
from chalicelib.store.changes import Change, make, make_one_of
from chalicelib.store.transactions import Write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

# The sort key of the total, beside those of an account's counters.
TOTAL = "total"
# From the last failure on. A constant, so that a short block does not let slow guessing begin anew each time.
LIFETIME_S = 2_592_000


@dataclass(frozen=True, slots=True)
class Total:
    """What a total stands at. next_turn_at: epoch seconds from when on one more attempt may be made, 0 for now."""

    failed: int
    next_turn_at: int = 0


@dataclass(frozen=True, slots=True)
class TotalStore:
    """Counts failures, each one atomic write. TTL only sweeps: expires_at is compared in every condition."""

    dynamodb: "DynamoDBClient"
    table: str

    def place(self, account: str) -> Place:
        """Return where the total of an account is."""
        return Place(self.table, f"account#{account}", TOTAL)

    def fail(self, account: str, now: int) -> None:
        """Count one failure."""
        values = {":one": 1, ":now": now, ":end": now + LIFETIME_S}
        running = Change(
            "ADD failed :one SET expires_at = :end",
            "attribute_not_exists(expires_at) OR expires_at > :now",
            values,
        )
        ended = Change("SET failed = :one, expires_at = :end REMOVE next_turn_at", "expires_at <= :now", values)
        make_one_of(self.dynamodb, self.place(account), running, ended)

    def take_turn(self, account: str, now: int, next_turn_at: int) -> bool:
        """Whether an attempt may be made now; none other may until next_turn_at, then. One conditional write."""
        change = Change(
            "SET next_turn_at = :next",
            "attribute_exists(failed) AND (attribute_not_exists(next_turn_at) OR next_turn_at <= :now)",
            {":next": next_turn_at, ":now": now},
        )
        try:
            make(self.dynamodb, self.place(account), change)
        except ConditionFailed as failure:
            # Somebody got in meanwhile, and there is no total any more.
            return failure.item is None
        return True

    def clear_write(self, account: str) -> Write:
        """Return the write that forgets a total, for the transaction of a success."""
        return {"Delete": {"TableName": self.table, "Key": self.place(account).key}}


def total_from(values: Values | None, now: int) -> Total | None:
    """Return the total that an item holds; None where there is none, or where it has ended."""
    if values is None or values["expires_at"] <= now:
        return None
    return Total(values["failed"], values.get("next_turn_at", 0))
