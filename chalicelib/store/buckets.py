"""Buckets of tries: so many at once, one more each interval. One number an item, each change one conditional write.

The number is when the bucket would be empty again (a leaky bucket as a meter, GCRA): a try moves it by one interval.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.store.aws import ConditionFailed, call
from chalicelib.store.items import from_item, to_item
from chalicelib.store.transactions import Write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Bucket:
    """Which bucket, and its measure. pk, sk: its key in the attempts table. interval_ms: what brings one try back."""

    pk: str
    sk: str
    tries: int
    interval_ms: int


@dataclass(frozen=True, slots=True)
class BucketStore:
    """Takes tries out of buckets. Times are epoch milliseconds."""

    dynamodb: "DynamoDBClient"
    table: str

    def take(self, bucket: Bucket, now_ms: int) -> int:
        """Take one try; return 0, or in how many milliseconds there is one again."""
        full_ms = now_ms + (bucket.tries - 1) * bucket.interval_ms
        while True:
            if self._begin(bucket, now_ms):
                return 0
            empties_at = self._move(bucket, now_ms, full_ms)
            if empties_at is None:
                return 0
            # Where it ran empty between the two writes, it begins anew.
            if empties_at > now_ms:
                return empties_at - full_ms

    def give_back(self, bucket: Bucket) -> Write:
        """Return the write that gives one try back, for the transaction of a success."""
        return {
            "Update": {
                "TableName": self.table,
                "Key": to_item({"pk": bucket.pk, "sk": bucket.sk}),
                "UpdateExpression": "ADD empties_at :less",
                "ExpressionAttributeValues": to_item({":less": -bucket.interval_ms}),
            }
        }

    def _begin(self, bucket: Bucket, now_ms: int) -> bool:
        """Take the first try of a bucket that is empty; return False where it is not."""
        values = {":now": now_ms, ":next": now_ms + bucket.interval_ms, ":ttl": _ttl(bucket, now_ms)}
        update = "SET empties_at = :next, expires_at = :ttl"
        try:
            self._update(bucket, update, "attribute_not_exists(pk) OR empties_at <= :now", values)
        except ConditionFailed:
            return False
        return True

    def _move(self, bucket: Bucket, now_ms: int, full_ms: int) -> int | None:
        """Take one more try; return None, or when the bucket empties where it has none, or is empty."""
        values = {":now": now_ms, ":full": full_ms, ":one": bucket.interval_ms, ":ttl": _ttl(bucket, now_ms)}
        update = "SET empties_at = empties_at + :one, expires_at = :ttl"
        try:
            self._update(bucket, update, "empties_at > :now AND empties_at <= :full", values)
        except ConditionFailed as failure:
            return int(from_item(failure.item or {}).get("empties_at", 0))
        return None

    def _update(self, bucket: Bucket, update: str, condition: str, values: dict[str, int]) -> None:
        call(
            self.dynamodb.update_item,
            TableName=self.table,
            Key=to_item({"pk": bucket.pk, "sk": bucket.sk}),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=to_item(values),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )


def _ttl(bucket: Bucket, now_ms: int) -> int:
    """Return when TTL may sweep a bucket, in epoch seconds: once it must have run empty."""
    return (now_ms + bucket.tries * bucket.interval_ms) // 1000 + 1
