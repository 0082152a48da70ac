"""DynamoDB as the stores and their callers use it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.storage import Item, Key, Read
from chalicelib.store.aws import call
from chalicelib.store.items import from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

BATCH_TRIES = 2


@dataclass(frozen=True, slots=True)
class Dynamo:
    """Reads items by key. Every read is consistent."""

    client: "DynamoDBClient"

    def read(self, read: Read[A]) -> A:
        """Return the answer of one read."""
        if len(read.keys) != 1:
            answers: tuple[A] = self._read_batch((read,))
            return answers[0]
        (key,) = read.keys
        answer = call(self.client.get_item, TableName=key.table, Key=key_item(key), ConsistentRead=True)
        return read.parse((from_item(answer["Item"]) if "Item" in answer else None,))

    @overload
    def read_all(self, first: Read[A], second: Read[B], /) -> tuple[A, B]: ...
    @overload
    def read_all(self, first: Read[A], second: Read[B], third: Read[C], /) -> tuple[A, B, C]: ...
    def read_all(self, *reads: Read[Any]) -> tuple[Any, ...]:
        """Return the answers of several reads, made in one call."""
        return self._read_batch(reads)

    # Any: the overloads above say which answer belongs to which read.
    def _read_batch(self, reads: tuple[Read[Any], ...]) -> tuple[Any, ...]:
        found = self._items(dict.fromkeys(key for read in reads for key in read.keys))
        return tuple(read.parse(tuple(map(found.get, read.keys))) for read in reads)

    def _items(self, keys: dict[Key, None]) -> dict[Key, Item]:
        """Return the items that there are, by their keys; no key is no call."""
        if not keys:
            return {}
        request: dict[str, Any] = {}
        for key in keys:
            request.setdefault(key.table, {"Keys": [], "ConsistentRead": True})["Keys"].append(key_item(key))
        return {
            Key(table, values["pk"], values.get("sk", "")): values
            for table, items in self._responses(request).items()
            for values in map(from_item, items)
        }

    def _responses(self, request: dict[str, Any]) -> Any:
        """Read all keys, a second time if DynamoDB left some out: it throttles a batch without an error."""
        for _ in range(BATCH_TRIES):
            answer = call(self.client.batch_get_item, RequestItems=request)
            if not answer.get("UnprocessedKeys"):
                return answer["Responses"]
        raise TemporarilyUnavailable(reason="batch_get_item: unprocessed keys")


def key_item(key: Key) -> dict[str, Any]:
    """Return a key in DynamoDB's form."""
    return to_item({"pk": key.pk} | ({"sk": key.sk} if key.sk else {}))
