"""Leaky buckets of an address in the attempts table: one number an item, when it will be empty."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.model.bucket import Bucket
from chalicelib.store.aws import call
from chalicelib.store.batch import Place, Values, read_together
from chalicelib.store.changes import Change, make_one_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

# What one address has a bucket for.
LOGINS = "logins"
CLIENTS = "clients"


@dataclass(frozen=True, slots=True)
class Filled:
    """What became of one failure. empties_at_ms: epoch milliseconds. had_room: whether the bucket took it."""

    empties_at_ms: int
    had_room: bool


def fill(dynamodb: "DynamoDBClient", place: Place, bucket: Bucket, now_ms: int, is_running: bool) -> Filled:
    """Put one failure into the bucket of a place; a full one takes no more.

    is_running: whether there was one that has not run empty yet, when it was last looked at: a wrong guess costs a
    call.
    """
    latest = now_ms + (bucket.size - 1) * bucket.rate_ms
    sweep_s = -(-(latest + bucket.rate_ms) // 1000)
    added = {":now": now_ms, ":rate": bucket.rate_ms, ":sweep": sweep_s}
    running = Change(
        "SET empties_at_ms = empties_at_ms + :rate, expires_at = :sweep",
        "empties_at_ms > :now AND empties_at_ms <= :latest",
        added | {":latest": latest},
    )
    empty = Change(
        "SET empties_at_ms = :next, expires_at = :sweep",
        "attribute_not_exists(empties_at_ms) OR empties_at_ms <= :now",
        {":now": now_ms, ":next": now_ms + bucket.rate_ms, ":sweep": sweep_s},
    )
    full = Change("SET empties_at_ms = empties_at_ms", "empties_at_ms > :latest", {":latest": latest})
    changes = (running, empty, full) if is_running else (empty, running, full)
    made, values = make_one_of(dynamodb, place, *changes)
    return Filled(values["empties_at_ms"], had_room=made is not full)


@dataclass(frozen=True, slots=True)
class BucketStore:
    """The buckets of one kind. TTL only sweeps: what has leaked away is compared in every condition.

    kind: LOGINS or CLIENTS.
    """

    dynamodb: "DynamoDBClient"
    table: str
    kind: str

    def place(self, address: str) -> Place:
        """Return where the bucket of an address is. address: as model/address.py's network() writes it."""
        return Place(self.table, f"address#{address}", self.kind)

    def read(self, address: str) -> Values | None:
        """Return the bucket's item."""
        return read_together(self.dynamodb, self.place(address))[0]

    def fill(self, address: str, bucket: Bucket, now_ms: int, is_running: bool = True) -> Filled:
        """Put one failure in; a full bucket takes no more.

        is_running: whether there was one that has not run empty yet, when it was last looked at: a wrong guess costs
        a call.
        """
        return fill(self.dynamodb, self.place(address), bucket, now_ms, is_running)

    def clear(self, address: str) -> None:
        """Empty the bucket, for the tools."""
        call(self.dynamodb.delete_item, TableName=self.table, Key=self.place(address).key)
