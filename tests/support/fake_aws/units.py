"""Count DynamoDB's read and write units, which a stage pays for, by the sizes of the items.

A write takes one unit for each KB of the larger of the item before and after it, a consistent read one for each 4 KB,
another read half of that; each at least one step. A write in a transaction takes twice as many. A write whose condition
does not hold takes as many as another. Returned values take none.
Source: Amazon DynamoDB Developer Guide, "DynamoDB read and write operations" and "Capacity unit consumption".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.support.fake_aws.expressions import Item
from tests.support.fake_aws.items import item_bytes

Body = dict[str, Any]
# Returns the item of a table, or None. Its key is taken from an item or a key.
Find = Callable[[str, Item], Item | None]
WRITE_STEP_BYTES, READ_STEP_BYTES = 1024, 4096
IN_TRANSACTION = 2
_WRITES = ("PutItem", "UpdateItem", "DeleteItem")


class Units(NamedTuple):
    """Read units, and write units."""

    read: float = 0
    write: float = 0


@dataclass(slots=True)
class Meter:
    """The units that calls have taken so far. find: returns the items before and after each call."""

    find: Find
    read: float = 0
    write: float = 0

    def take(self) -> Units:
        """Return the units since the last time, and begin anew."""
        units = Units(self.read, self.write)
        self.read = self.write = 0
        return units

    def ask(self, operation: str, call: Body, ask: Callable[[], Body]) -> Body:
        """Make a call, count its units even if it is refused, and return its answer."""
        writes = list(_writes_of(operation, call))
        weight = IN_TRANSACTION if operation == "TransactWriteItems" else 1
        before, answer = [self._written_bytes(write) for write in writes], Body()
        self.read += sum(self._reads_of(operation, call))
        try:
            answer = ask()
        finally:
            after = [max(self._written_bytes(write), item_bytes(write.get("Item", {}))) for write in writes]
            self.write += weight * sum(map(_steps, map(max, before, after), [WRITE_STEP_BYTES] * len(writes)))
        if operation in ("Query", "Scan"):
            size_bytes = sum(item_bytes(item) for item in answer["Items"])
            self.read += _read_units(size_bytes, call)
        return answer

    def _written_bytes(self, write: Body) -> int:
        return item_bytes(self.find(write["TableName"], write.get("Key") or write["Item"]) or {})

    def _reads_of(self, operation: str, call: Body) -> Iterator[float]:
        if operation == "GetItem":
            yield _read_units(item_bytes(self.find(call["TableName"], call["Key"]) or {}), call)
        for table, asked in call.get("RequestItems", {}).items():
            for key in asked["Keys"]:
                yield _read_units(item_bytes(self.find(table, key) or {}), asked)


def _writes_of(operation: str, call: Body) -> Iterator[Body]:
    if operation in _WRITES:
        yield call
    for member in call.get("TransactItems", ()):
        yield from member.values()


def _read_units(size_bytes: int, asked: Body) -> float:
    return _steps(size_bytes, READ_STEP_BYTES) * (1 if asked.get("ConsistentRead") else 0.5)


def _steps(size_bytes: int, step_bytes: int) -> int:
    return max(1, -(-size_bytes // step_bytes))
