"""Conditional updates of one item, for counters: each is one atomic write, and none reads first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.storage import Item, Key
from chalicelib.store.aws import ConditionFailed, call
from chalicelib.store.dynamo import key_item
from chalicelib.store.items import from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

# How often an item may change between two looks at it before that is given up.
TRIES = 5


@dataclass(frozen=True, slots=True)
class Change:
    """One update expression, and the condition that it is made under. values: what the names in both stand for."""

    update: str
    condition: str
    values: Mapping[str, int] = field(default_factory=dict)


def make(dynamodb: "DynamoDBClient", key: Key, change: Change) -> Item:
    """Make a change and return the item as it is then; raises ConditionFailed, with the item that stands there."""
    values = {"ExpressionAttributeValues": to_item(change.values)} if change.values else {}
    answer = call(
        dynamodb.update_item,
        TableName=key.table,
        Key=key_item(key),
        UpdateExpression=change.update,
        ConditionExpression=change.condition,
        ReturnValues="ALL_NEW",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
        **values,  # type: ignore[arg-type]  # mypy takes one dict for every parameter
    )
    return from_item(answer.get("Attributes", {}))


def make_one_of(dynamodb: "DynamoDBClient", key: Key, *changes: Change) -> tuple[Change, Item]:
    """Make the first change whose condition holds; return it and the item as it is then. Their conditions leave no gap.

    Raises TemporarilyUnavailable where the item moves from one state to another for each look at it.
    """
    for _ in range(TRIES):
        for change in changes:
            try:
                return change, make(dynamodb, key, change)
            except ConditionFailed:
                continue
    raise TemporarilyUnavailable(reason="update_item: the counter would not stand still")
