"""How often in a row a person's codes were wrong, in the attempts table: one item a person, a number a kind of code.

It has no end but a right code, or an operator's reset: slow guessing does not begin anew.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.model.storage import Item, Key
from chalicelib.store.aws import ConditionFailed
from chalicelib.store.changes import Change, make
from chalicelib.store.dynamo import key_item
from chalicelib.store.transactions import Write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

# The sort key of the item, beside those of the person's buckets.
WRONG = "wrong"
PREFIX = "wrong_"


@dataclass(frozen=True, slots=True)
class WrongCodeStore:
    """Counts tries as wrong before they are looked at, each one atomic write. owner: as tries have it."""

    dynamodb: "DynamoDBClient"
    table: str

    def count(self, owner: str, kind: str, most: int) -> int | None:
        """Count one try; return how many of all kinds stand in a row then. Return None if this kind has its most."""
        name = PREFIX + kind
        change = Change(
            f"ADD {name} :one", f"attribute_not_exists({name}) OR {name} < :most", {":one": 1, ":most": most}
        )
        try:
            return _total(make(self.dynamodb, self._key(owner), change))
        except ConditionFailed:
            return None

    def withdraw(self, owner: str, kind: str) -> None:
        """Take one try back that could not be judged."""
        name = PREFIX + kind
        with suppress(ConditionFailed):
            make(
                self.dynamodb,
                self._key(owner),
                Change(f"ADD {name} :less", f"{name} > :zero", {":less": -1, ":zero": 0}),
            )

    def clear_write(self, owner: str) -> Write:
        """Return the write that forgets the wrong codes of every kind, for the transaction of a right one."""
        return {"Delete": {"TableName": self.table, "Key": key_item(self._key(owner))}}

    def _key(self, owner: str) -> Key:
        return Key(self.table, owner, WRONG)


def _total(values: Item) -> int:
    return sum(number for name, number in values.items() if name.startswith(PREFIX))
