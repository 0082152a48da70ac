"""Several items, of several tables, in one consistent call."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.store.aws import call
from chalicelib.store.items import from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

# An item's plain values, its key among them.
Values = dict[str, Any]
BATCH_TRIES = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where one item is. sk: "" in a table without one."""

    table: str
    pk: str
    sk: str = ""

    @property
    def key(self) -> dict[str, Any]:
        """The item's key."""
        return to_item({"pk": self.pk} | ({"sk": self.sk} if self.sk else {}))


def read_together(dynamodb: "DynamoDBClient", *places: Place) -> tuple[Values | None, ...]:
    """Return the item of each place, None where there is none; no place is no call."""
    if not places:
        return ()
    request: dict[str, Any] = {}
    for place in places:
        request.setdefault(place.table, {"Keys": [], "ConsistentRead": True})["Keys"].append(place.key)
    found = {
        Place(table, values["pk"], values.get("sk", "")): values
        for table, items in _read_whole(dynamodb, request).items()
        for values in map(from_item, items)
    }
    return tuple(found.get(place) for place in places)


def _read_whole(dynamodb: "DynamoDBClient", request: dict[str, Any]) -> Any:
    """Read all keys, a second time where DynamoDB left some out: it throttles a batch without an error."""
    for _ in range(BATCH_TRIES):
        answer = call(dynamodb.batch_get_item, RequestItems=request)
        if not answer.get("UnprocessedKeys"):
            return answer["Responses"]
    raise TemporarilyUnavailable(reason="batch_get_item: unprocessed keys")
