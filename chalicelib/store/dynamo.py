"""DynamoDB as the stores use it: items, consistent reads by key, conditional updates, and transactions.

Callers of stores combine reads (`Dynamo.read_all`) and writes (`Dynamo.commit`), and never look inside them. Each write
of an item stamps it with the number of its shape (`schema.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, overload

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.storage import Change, Item, Key, Read, Value, Write
from chalicelib.store.aws.calls import Aws, ConditionFailed
from chalicelib.store.schema import SCHEMA

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

BATCH_TRIES = 2
# DynamoDB reserves these words: an expression has their aliases.
_ALIASES = {"schema": "#schema", "name": "#name"}
_OPERATIONS: dict[str, Literal["PutItem", "UpdateItem", "DeleteItem"]] = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
}
# How often an update is tried on an item that changes meanwhile.
UPDATE_TRIES = 5


@dataclass(frozen=True, slots=True)
class Update:
    """One update expression and its condition, "" for none. values: of the names with a colon in both."""

    expression: str
    condition: str = ""
    values: Mapping[str, Value] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Dynamo:
    """Reads and writes items. Every read by key is consistent."""

    aws: Aws

    def read(self, read: Read[A]) -> A:
        """Return the answer of one read."""
        if len(read.keys) != 1:
            answers: tuple[A] = self._read_batch((read,))
            return answers[0]
        (key,) = read.keys
        answer = self.aws.call("GetItem", TableName=key.table, Key=key_item(key), ConsistentRead=True)
        return read.parse((from_item(answer["Item"]) if "Item" in answer else None,))

    @overload
    def read_all(self, first: Read[A], second: Read[B], /) -> tuple[A, B]: ...
    @overload
    def read_all(self, first: Read[A], second: Read[B], third: Read[C], /) -> tuple[A, B, C]: ...
    def read_all(self, *reads: Read[Any]) -> tuple[Any, ...]:
        """Return the answers of several reads, made in one call."""
        return self._read_batch(reads)

    def query(self, table: str, condition: str, values: Mapping[str, Value], **more: Any) -> list[Item]:
        """Return all items that the key condition names, freshly read. more: parameters of the query."""
        asked = {"KeyConditionExpression": condition, "ExpressionAttributeValues": to_item(values)}
        return list(self._pages("Query", TableName=table, ConsistentRead=True, **asked, **more))

    def query_first(self, table: str, condition: str, values: Mapping[str, Value], most: int) -> list[Item]:
        """Return the first items that the key condition names, at most `most`, freshly read in one call."""
        asked = {"KeyConditionExpression": condition, "ExpressionAttributeValues": to_item(values)}
        answer = self.aws.call("Query", TableName=table, ConsistentRead=True, Limit=most, **asked)
        return list(map(from_item, answer["Items"]))

    def scan(self, table: str, **more: Any) -> Iterator[Item]:
        """Return the items of a table, page by page, for the tools. more: parameters of the scan."""
        return self._pages("Scan", TableName=table, **more)

    def scan_after(
        self, before: Key | None, table: str, limit: int, selection: tuple[str, Mapping[str, Value]]
    ) -> Iterator[Item]:
        """Return the items of a table behind a key, page by page. limit: the items that a page reads.

        selection: the condition of the items that are returned, and the values of its names.
        """
        condition, values = selection
        start = {"ExclusiveStartKey": key_item(before)} if before else {}
        asked = {"FilterExpression": condition, "ExpressionAttributeValues": to_item(values), "ConsistentRead": True}
        return self._pages("Scan", start, TableName=table, Limit=limit, **asked)

    def put(self, table: str, values: Mapping[str, Value]) -> None:
        """Write an item; it replaces any with the same key."""
        self.aws.call("PutItem", TableName=table, Item=_stamped_item(values))

    def put_if(self, table: str, values: Mapping[str, Value], condition: str, **named: Value) -> None:
        """Write an item if the condition holds. named: the values of its names.

        Raises ConditionFailed with the stored item.
        """
        self.aws.call(
            "PutItem",
            TableName=table,
            Item=_stamped_item(values),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **_named_condition(condition, named),
        )

    def update(self, key: Key, update: Update) -> None:
        """Make an update; raises ConditionFailed."""
        self.aws.call("UpdateItem", **_update_parameters(key, update))

    def update_and_read(self, key: Key, update: Update) -> Item:
        """Make an update and return the item as it is then; raises ConditionFailed with the stored item."""
        answer = self.aws.call(
            "UpdateItem",
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **_update_parameters(key, update),
        )
        return from_item(answer.get("Attributes", {}))

    def update_by_first(self, key: Key, *updates: Update) -> tuple[Update, Item]:
        """Make the first update whose condition holds; return it and the item as it is then.

        The conditions must cover every state. Raises TemporarilyUnavailable if the item keeps changing meanwhile.
        """
        for _ in range(UPDATE_TRIES):
            for update in updates:
                try:
                    return update, self.update_and_read(key, update)
                except ConditionFailed:
                    continue
        raise TemporarilyUnavailable(reason="update_item: the counter kept changing")

    def delete(self, key: Key) -> None:
        """Delete an item, if there is one."""
        self.aws.call("DeleteItem", TableName=key.table, Key=key_item(key))

    def commit(self, writes: tuple[Write, ...]) -> None:
        """Do all the writes or none; without writes there is no call. Raises ConditionFailed if a condition fails."""
        if writes:
            self.aws.call("TransactWriteItems", TransactItems=writes)

    def write(self, write: Write) -> None:
        """Do one write by itself, without a transaction. Raises ConditionFailed."""
        ((kind, parameters),) = write.items()
        self.aws.call(_OPERATIONS[kind], **parameters)

    def _pages(
        self, operation: Literal["Query", "Scan"], start: dict[str, Any] | None = None, /, **parameters: Any
    ) -> Iterator[Item]:
        """Yield the items that a Query or Scan finds; a page is one call, made when its items are due.

        start: the parameter that names the key before the first item; None for the beginning.
        """
        beginning = start or {}
        while True:
            answer = self.aws.call(operation, **parameters, **beginning)
            yield from map(from_item, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            beginning = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    # Any: the overloads of read_all say which answer belongs to which read.
    def _read_batch(self, reads: tuple[Read[Any], ...]) -> tuple[Any, ...]:
        found = self._items(dict.fromkeys(key for read in reads for key in read.keys))
        return tuple(read.parse(tuple(map(found.get, read.keys))) for read in reads)

    def _items(self, keys: dict[Key, None]) -> dict[Key, Item]:
        """Return the items that exist, by key; without keys there is no call."""
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
        """Return the items of all keys; read again if DynamoDB left some out, which is how it throttles a batch."""
        for _ in range(BATCH_TRIES):
            answer = self.aws.call("BatchGetItem", RequestItems=request)
            if not answer.get("UnprocessedKeys"):
                return answer["Responses"]
        raise TemporarilyUnavailable(reason="batch_get_item: unprocessed keys")


def update_write(key: Key, update: Update) -> Write:
    """Return an update as a write of a transaction."""
    return {"Update": _update_parameters(key, update)}


def attribute(name: str) -> str:
    """Return the name of an attribute as an expression has it."""
    return _ALIASES.get(name, name)


def update_of(change: Change) -> Update:
    """Return a change as an update."""
    clauses = {
        "SET": [f"{attribute(name)} = :{name}" for name in change.set]
        + [f"{name} = if_not_exists({other}, :zero)" for name, other in change.copy.items()],
        "ADD": [f"{name} :{name}" for name in change.add],
        "DELETE": [f"{name} :{name}" for name in change.take],
        "REMOVE": change.remove,
    }
    expression = " ".join(f"{clause} {', '.join(parts)}" for clause, parts in clauses.items() if parts)
    named = {f":{name}": value for part in (change.set, change.add, change.take) for name, value in part.items()}
    zero: dict[str, Value] = {":zero": 0} if change.copy else {}
    return Update(expression, " AND ".join(change.conditions), {**named, **zero, **change.values})


def put_write(table: str, values: Mapping[str, Value], condition: str = "", **named: Value) -> Write:
    """Return the write of an item. condition: "" for none. named: the values of its names."""
    return {"Put": {"TableName": table, "Item": _stamped_item(values)} | _named_condition(condition, named)}


def delete_write(key: Key, condition: str = "", **named: Value) -> Write:
    """Return the write that deletes an item. condition, named: as of put_write."""
    return {"Delete": {"TableName": key.table, "Key": key_item(key)} | _named_condition(condition, named)}


def to_item(values: Mapping[str, Value]) -> dict[str, Any]:
    """Return an item of strings, whole numbers, booleans and sets of strings in DynamoDB's form."""
    return {name: _to_attribute(value) for name, value in values.items()}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain values of an item in DynamoDB's form."""
    return {name: _from_attribute(attribute) for name, attribute in item.items()}


def key_item(key: Key) -> dict[str, Any]:
    """Return a key in DynamoDB's form."""
    return to_item({"pk": key.pk} | ({"sk": key.sk} if key.sk else {}))


def _stamped_item(values: Mapping[str, Value]) -> dict[str, Any]:
    return to_item({**values, "schema": SCHEMA})


def _update_parameters(key: Key, update: Update) -> dict[str, Any]:
    expression = _stamped_expression(update.expression)
    # DynamoDB refuses an alias that no expression has.
    names = {alias: word for word, alias in _ALIASES.items() if alias in expression + update.condition}
    return {
        "TableName": key.table,
        "Key": key_item(key),
        "UpdateExpression": expression,
        "ExpressionAttributeNames": names,
        **_condition_parameters(update.condition, {**update.values, ":schema": SCHEMA}),
    }


def _stamped_expression(expression: str) -> str:
    """Return an update expression that sets the item's schema too: an update may make the item."""
    before, has_clause, rest = expression.partition("SET ")
    return f"{before}SET #schema = :schema, {rest}" if has_clause else f"SET #schema = :schema {expression}"


def _named_condition(condition: str, named: Mapping[str, Value]) -> dict[str, Any]:
    return _condition_parameters(condition, {f":{name}": value for name, value in named.items()})


def _condition_parameters(condition: str, values: Mapping[str, Value]) -> dict[str, Any]:
    named = {"ExpressionAttributeValues": to_item(values)} if values else {}
    return named | ({"ConditionExpression": condition} if condition else {})


def _to_attribute(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, frozenset):
        return {"SS": sorted(value)}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def _from_attribute(attribute: Mapping[str, Any]) -> Value:
    ((kind, value),) = attribute.items()
    if kind == "SS":
        return frozenset(value)
    return int(value) if kind == "N" else value
