"""The attempts table: how often somebody tried to get in and how often that failed, per account and address.

`attempts` are those begun, `failed` those of them that ended badly; the difference is not decided yet.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.store.aws import ConditionFailed, call
from chalicelib.store.items import from_item, to_item
from chalicelib.store.transactions import Write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

# How often a count may change between two looks at it before that is given up.
TRIES = 5


@dataclass(frozen=True, slots=True)
class Counter:
    """Which counter. account: realm and person. address: where they come from, as text."""

    account: str
    address: str

    def key(self) -> dict[str, Any]:
        """Its key in the table."""
        return to_item({"pk": f"account#{self.account}", "sk": f"address#{self.address}"})


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
        values = {":now": now, ":max": max_attempts, ":one": 1, ":zero": 0, ":end": now + lifetime_s}
        for _ in range(TRIES):
            try:
                self._update(
                    counter,
                    "ADD attempts :one, failed :zero SET counted_at = :now, expires_at = :end",
                    "attribute_not_exists(attempts) OR (attempts < :max AND expires_at > :now)",
                    values,
                )
            except ConditionFailed as failure:
                tally = _tally(failure.item)
            else:
                return None
            if tally.expires_at > now:
                return tally
            if self._restart(counter, tally, now, lifetime_s):
                return None
        raise TemporarilyUnavailable(reason="update_item: the counter would not stand still")

    def fail(self, counter: Counter, now: int, lifetime_s: int) -> None:
        """Decide one counted attempt as failed. One that a success has cleared meanwhile is counted anew."""
        anew = {":one": 1, ":now": now, ":end": now + lifetime_s}
        for _ in range(TRIES):
            with suppress(ConditionFailed):
                return self._update(counter, "ADD failed :one", "attempts > failed", {":one": 1})
            with suppress(ConditionFailed):
                return self._update(
                    counter,
                    "ADD attempts :one, failed :one SET counted_at = :now, expires_at = :end",
                    "attribute_not_exists(attempts) OR attempts <= failed",
                    anew,
                )
        raise TemporarilyUnavailable(reason="update_item: the counter would not stand still")

    def withdraw(self, counter: Counter) -> None:
        """Take back one counted attempt that could not be decided."""
        with suppress(ConditionFailed):
            self._update(counter, "ADD attempts :minus", "attempts > failed", {":minus": -1})

    def clear_write(self, counter: Counter) -> Write:
        """Return the write that forgets a counter, for the transaction of a success."""
        return {"Delete": {"TableName": self.table, "Key": counter.key()}}

    def clear_account(self, account: str) -> int:
        """Forget an account's counters from every address, for the tools; return how many there were."""
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": f"account#{account}"}),
            ConsistentRead=True,
        )
        keys = [{"pk": item["pk"], "sk": item["sk"]} for page in pages for item in page["Items"]]
        for key in keys:
            call(self.dynamodb.delete_item, TableName=self.table, Key=key)
        return len(keys)

    def _restart(self, counter: Counter, ended: Tally, now: int, lifetime_s: int) -> bool:
        """Begin an ended count anew with one attempt; return False where another request was faster."""
        try:
            self._update(
                counter,
                "SET attempts = :one, failed = :zero, counted_at = :now, expires_at = :end",
                "expires_at = :ended",
                {":one": 1, ":zero": 0, ":now": now, ":end": now + lifetime_s, ":ended": ended.expires_at},
            )
        except ConditionFailed:
            return False
        return True

    def _update(self, counter: Counter, update: str, condition: str, values: dict[str, int]) -> None:
        call(
            self.dynamodb.update_item,
            TableName=self.table,
            Key=counter.key(),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=to_item(values),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )


def _tally(item: dict[str, Any] | None) -> Tally:
    values = from_item(item or {})
    return Tally(*(values.get(name, 0) for name in ("attempts", "failed", "counted_at", "expires_at")))
