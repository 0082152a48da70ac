"""A person's tries at codes: so many at once, one more each interval, in the buckets of the attempts table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.model.bucket import Bucket
from chalicelib.model.storage import Key
from chalicelib.store.buckets import fill
from chalicelib.store.dynamo import key_item
from chalicelib.store.items import to_item
from chalicelib.store.transactions import Write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Tries:
    """Whose tries, and how many. owner, kind: what the table knows them by. bucket: one without debt."""

    owner: str
    kind: str
    bucket: Bucket


@dataclass(frozen=True, slots=True)
class TryStore:
    """Takes tries. Times are epoch milliseconds."""

    dynamodb: "DynamoDBClient"
    table: str

    def take(self, tries: Tries, now_ms: int) -> int:
        """Take one try; return 0, or in how many milliseconds there is one again.

        A try that is refused costs nothing: it was taken before anything was looked at.
        """
        filled = fill(self.dynamodb, self._key(tries), tries.bucket, now_ms, is_running=False)
        return 0 if filled.had_room else tries.bucket.opens_at_ms(filled.empties_at_ms) - now_ms

    def give_back(self, tries: Tries) -> Write:
        """Return the write that gives one try back, for the transaction of a success."""
        return {
            "Update": {
                "TableName": self.table,
                "Key": key_item(self._key(tries)),
                "UpdateExpression": "ADD empties_at_ms :less",
                "ExpressionAttributeValues": to_item({":less": -tries.bucket.rate_ms}),
            }
        }

    def _key(self, tries: Tries) -> Key:
        return Key(self.table, tries.owner, tries.kind)
