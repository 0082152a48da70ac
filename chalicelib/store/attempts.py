"""An account's counters in the attempts table: how often somebody tried to get in and how often that failed.

`attempts` are those begun, `failed` those of them that ended badly; the difference is not decided yet.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.account import Account
from chalicelib.model.storage import Item, Key
from chalicelib.store.aws import ConditionFailed, call
from chalicelib.store.changes import TRIES, Change, make, make_one_of
from chalicelib.store.dynamo import key_item
from chalicelib.store.items import from_item, to_item
from chalicelib.store.transactions import Write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ADDRESS = "address#"
# The address of a counter that all addresses share.
ANYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Counter:
    """Which counter. address: the network that attempts come from as text, or ANYWHERE."""

    account: Account
    address: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What a counter stood at. Times are epoch seconds."""

    attempts: int
    failed: int
    counted_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class AttemptStore:
    """Counts attempts, each change one atomic write. TTL only sweeps: expires_at is compared in every condition."""

    dynamodb: "DynamoDBClient"
    table: str

    def count(self, counter: Counter, now: int, max_attempts: int, lifetime_s: int) -> Tally | None:
        """Count one attempt if fewer than max_attempts stand; return None then, else the tally that forbids it."""
        counted = Change(
            "ADD attempts :one, failed :zero SET counted_at = :now, expires_at = :end",
            "attribute_not_exists(attempts) OR (attempts < :max AND expires_at > :now)",
            {":now": now, ":max": max_attempts, ":one": 1, ":zero": 0, ":end": now + lifetime_s},
        )
        for _ in range(TRIES):
            try:
                make(self.dynamodb, self._key(counter), counted)
            except ConditionFailed as failure:
                tally = tally_from(from_item(failure.item or {}))
            else:
                return None
            if tally.expires_at > now:
                return tally
            if self._restart(counter, tally, now, lifetime_s):
                return None
        raise TemporarilyUnavailable(reason="update_item: the counter would not stand still")

    def fail(self, counter: Counter, now: int, lifetime_s: int) -> Tally:
        """Decide one counted attempt as failed, and return what stands then.

        One that a success has cleared meanwhile is counted anew.
        """
        decided = Change("ADD failed :one", "attempts > failed", {":one": 1})
        anew = Change(
            "ADD attempts :one, failed :one SET counted_at = :now, expires_at = :end",
            "attribute_not_exists(attempts) OR attempts <= failed",
            {":one": 1, ":now": now, ":end": now + lifetime_s},
        )
        _, values = make_one_of(self.dynamodb, self._key(counter), decided, anew)
        return tally_from(values)

    def withdraw(self, counter: Counter) -> None:
        """Take back one counted attempt that could not be decided."""
        with suppress(ConditionFailed):
            withdrawn = Change("ADD attempts :minus", "attempts > failed", {":minus": -1})
            make(self.dynamodb, self._key(counter), withdrawn)

    def clear_write(self, counter: Counter) -> Write:
        """Return the write that forgets a counter, for the transaction of a success."""
        return {"Delete": {"TableName": self.table, "Key": key_item(self._key(counter))}}

    def of_account(self, account: Account) -> list[Item]:
        """Return an account's items: its counters by address, and its total."""
        return self._of_key(f"account#{account.key}")

    def of_realm(self, realm: str) -> Iterator[Item]:
        """Return the items of all accounts of a realm, for the tools: a scan, on no request path."""
        for page in self.dynamodb.get_paginator("scan").paginate(
            TableName=self.table,
            FilterExpression="begins_with(pk, :pk)",
            ExpressionAttributeValues=to_item({":pk": f"account#{realm}#"}),
        ):
            yield from map(from_item, page["Items"])

    def clear_account(self, account: Account) -> None:
        """Forget an account's counters from every address and its total."""
        self.clear(f"account#{account.key}")

    def clear(self, pk: str) -> None:
        """Forget everything under a partition key."""
        for values in self._of_key(pk):
            call(self.dynamodb.delete_item, TableName=self.table, Key=to_item({"pk": values["pk"], "sk": values["sk"]}))

    def _of_key(self, pk: str) -> list[Item]:
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": pk}),
            ConsistentRead=True,
        )

        def query() -> list[Item]:
            return [from_item(item) for page in pages for item in page["Items"]]

        return call(query)

    def _restart(self, counter: Counter, ended: Tally, now: int, lifetime_s: int) -> bool:
        """Begin an ended count anew with one attempt; return False where another request was faster."""
        begun = Change(
            "SET attempts = :one, failed = :zero, counted_at = :now, expires_at = :end",
            "expires_at = :ended",
            {":one": 1, ":zero": 0, ":now": now, ":end": now + lifetime_s, ":ended": ended.expires_at},
        )
        try:
            make(self.dynamodb, self._key(counter), begun)
        except ConditionFailed:
            return False
        return True

    def _key(self, counter: Counter) -> Key:
        return Key(self.table, f"account#{counter.account.key}", ADDRESS + counter.address)


def tally_from(values: Item) -> Tally:
    """Return what a counter's item stands at, nought for each value that it lacks."""
    return Tally(*(values.get(name, 0) for name in ("attempts", "failed", "counted_at", "expires_at")))
