"""The sessions table: what may be used once, or for a time."""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.store.aws import ConditionFailed, call
from chalicelib.store.items import from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MARK_BYTES = 16


@dataclass(frozen=True, slots=True)
class SessionStore:
    """Keeps one-time identifiers until they end."""

    dynamodb: "DynamoDBClient"
    table: str

    def use_once(self, name: str, now: int, expires_at: int) -> bool:
        """Whether this is the first use of a name: one conditional write. After expires_at it is free again."""
        # Tells our own note from another's, where botocore has sent the write again after its answer was lost.
        mark = secrets.token_hex(MARK_BYTES)
        try:
            call(
                self.dynamodb.put_item,
                TableName=self.table,
                Item=to_item({"pk": name, "sk": "once", "expires_at": expires_at, "mark": mark}),
                ConditionExpression="attribute_not_exists(pk) OR expires_at <= :now",
                ExpressionAttributeValues=to_item({":now": now}),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailed as failure:
            return from_item(failure.item or {}).get("mark") == mark
        return True
