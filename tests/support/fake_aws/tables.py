"""Fake DynamoDB's items: tables in memory, one call at a time, and so atomic.

The fake has the operations that Gatehouse's store uses, and refuses as DynamoDB does. Another call raises
NotImplementedError or ValueError, so that no test relies on invented behaviour. tests/contract compares it with moto.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from tests.support.fake_aws.expressions import BadExpression, Item, apply_update, changed_names, holds, require_used
from tests.support.fake_aws.items import item_bytes, require_item, require_key

Body = dict[str, Any]
Key = tuple[str, str, str]
# Returns the items of a table behind a key, in the order of its pages.
Listing = Callable[[str, tuple[str, str]], Iterable[Item]]
MAX_ITEM_BYTES = 400 * 1024
MAX_PAGE_BYTES = 1024 * 1024
MAX_MEMBERS = 100
NUMBER_DIGITS = 24
_NUMBER = re.compile(rf"[0-9]{{{NUMBER_DIGITS}}}")
_EXPRESSIONS = ("ConditionExpression", "UpdateExpression", "KeyConditionExpression", "FilterExpression")
_VALUES = {"ExpressionAttributeNames", "ExpressionAttributeValues"}
_WRITE = {"TableName", "ConditionExpression", "ReturnValuesOnConditionCheckFailure", *_VALUES}
_READ = {"TableName", "ConsistentRead", "ExclusiveStartKey", "FilterExpression", "Limit", *_VALUES}
_TAKEN = {
    "GetItem": {"TableName", "Key", "ConsistentRead"},
    "BatchGetItem": {"RequestItems"},
    "PutItem": {"Item", "ReturnValues", *_WRITE},
    "UpdateItem": {"Key", "UpdateExpression", "ReturnValues", *_WRITE},
    "DeleteItem": {"Key", "ReturnValues", *_WRITE},
    "ConditionCheckItem": {"Key", *_WRITE},
    "TransactWriteItems": {"TransactItems", "ClientRequestToken"},
    "Query": {"KeyConditionExpression", *_READ},
    "Scan": {"Segment", "TotalSegments", *_READ},
    "DescribeTable": {"TableName"},
}


class AwsError(Exception):
    """AWS refuses a call. body: as DynamoDB sends it."""

    def __init__(self, kind: str, message: str = "", **body: Any) -> None:
        """kind: the error's name."""
        super().__init__(message or kind)
        self.body: Body = {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": message or kind, **body}


def number_text(number: int) -> str:
    """Return a number in the form that generated items have in their keys and texts."""
    return f"{number:0{NUMBER_DIGITS}}"


def names_by_shape(table: str, attributes: Item) -> tuple[str, ...]:
    """Return the names of a table's key: an item with an sk has it in its key."""
    return ("pk", "sk") if "sk" in attributes else ("pk",)


@dataclass(slots=True)
class Tables:
    """All tables. population: the number of copies of each item that has number 0 in its key.

    key_names: returns the names of a table's key, for the attributes of an item or a key.
    The store writes item number 0. Copies 1 to population are made of it when they are read.
    """

    population: int = 0
    key_names: Callable[[str, Item], tuple[str, ...]] = names_by_shape
    items: dict[str, dict[tuple[str, str], Item]] = field(default_factory=dict)
    _done: dict[str, Body] = field(default_factory=dict)

    def answer(self, operation: str, call: Body) -> Body:
        """Return DynamoDB's answer. Raises AwsError, or NotImplementedError for a call that Gatehouse does not use."""
        unknown = set(call) - _TAKEN.get(operation, set())
        if operation not in _TAKEN or unknown:
            raise NotImplementedError(f"{operation} with {sorted(unknown)}")
        try:
            require_used([call[name] for name in _EXPRESSIONS if name in call], call)
            return _OPERATIONS[operation](self, call)
        except BadExpression as fault:
            raise AwsError("ValidationException", str(fault)) from fault

    def find(self, table: str, attributes: Item) -> Item | None:
        """Return the item of a table by its key. attributes: of the item or its key."""
        return self._find(self._key(table, attributes))

    def get_item(self, call: Body) -> Body:
        """GetItem."""
        item = self._find(self._key(call["TableName"], call["Key"]))
        return {} if item is None else {"Item": item}

    def batch_get_item(self, call: Body) -> Body:
        """BatchGetItem."""
        keys = [self._key(table, key) for table, asked in call["RequestItems"].items() for key in asked["Keys"]]
        _require_distinct(keys, "Provided list of item keys contains duplicates")
        found: dict[str, list[Item]] = {table: [] for table in call["RequestItems"]}
        for key in keys:
            item = self._find(key)
            if item is not None:
                found[key[0]].append(item)
        return {"Responses": found, "UnprocessedKeys": {}}

    def put_item(self, call: Body) -> Body:
        """PutItem."""
        return self._write(call, lambda _: call["Item"])

    def update_item(self, call: Body) -> Body:
        """UpdateItem."""
        if changed_names(call["UpdateExpression"], call) & set(call["Key"]):
            raise AwsError("ValidationException", "This attribute is part of the key")
        return self._write(call, lambda item: apply_update(call["UpdateExpression"], item or call["Key"], call))

    def delete_item(self, call: Body) -> Body:
        """DeleteItem."""
        return self._write(call, lambda _: None)

    def condition_check(self, call: Body) -> Body:
        """Return an empty answer: the transaction has checked the condition already."""
        return {}

    def transact_write_items(self, call: Body) -> Body:
        """TransactWriteItems: all conditions are checked, and all writes tried, before one is kept."""
        token, members = call.get("ClientRequestToken", ""), call["TransactItems"]
        if token in self._done:
            return self._answer_repeat(token, call)
        writes = [(f"{kind}Item", write) for member in members for kind, write in member.items()]
        keys = [self._key(write["TableName"], write.get("Key") or write["Item"]) for _, write in writes]
        _require_distinct(keys, "Transaction request cannot include multiple operations on one item")
        refusals = [self._refusal(write) for _, write in writes]
        if any(refusals):
            reasons = [_reason(refusal) for refusal in refusals]
            codes = ", ".join(reason["Code"] for reason in reasons)
            message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
            raise AwsError("TransactionCanceledException", message, CancellationReasons=reasons)
        before = {key: self._find(key) for key in keys}
        try:
            for operation, write in writes:
                self.answer(operation, write)
        except AwsError:
            for key, item in before.items():
                self._keep(key, item)
            raise
        if token:
            self._done[token] = call
        return {}

    def query(self, call: Body) -> Body:
        """Query: a partition, by the sort key."""
        return self._page(call, lambda item: holds(call["KeyConditionExpression"], item, call), self._stored)

    def scan(self, call: Body) -> Body:
        """Scan: the whole table, or for the tools the segment of it that a hash of the partition key chooses."""
        segments, segment = call.get("TotalSegments", 1), call.get("Segment", 0)
        listed = self._with_copies if self.population else self._stored
        return self._page(call, lambda item: crc32(item["pk"]["S"].encode()) % segments == segment, listed)

    def describe_table(self, call: Body) -> Body:
        """DescribeTable: each table exists."""
        name = call["TableName"]
        return {"Table": {"TableName": name, "ItemCount": len(self.items.get(name, {}))}}

    def _answer_repeat(self, token: str, call: Body) -> Body:
        if self._done[token] != call:
            raise AwsError("IdempotentParameterMismatchException")
        return {}

    def _page(self, call: Body, is_selected: Callable[[Item], bool], listed: Listing) -> Body:
        start = call.get("ExclusiveStartKey")
        after = self._key(call["TableName"], start)[1:] if start else ("", "")
        size, seen = 0, 0
        last: Item | None = None
        found: list[Item] = []
        for item in filter(is_selected, listed(call["TableName"], after)):
            if size > MAX_PAGE_BYTES or seen == call.get("Limit"):
                names = self.key_names(call["TableName"], last or {})
                return {**_with_counts(found, seen), "LastEvaluatedKey": {name: (last or {})[name] for name in names}}
            last, seen = item, seen + 1
            size += item_bytes(last)
            if "FilterExpression" not in call or holds(call["FilterExpression"], last, call):
                found.append(last)
        return _with_counts(found, seen)

    def _stored(self, table: str, after: tuple[str, str]) -> Iterator[Item]:
        """Yield the written items behind a key."""
        stored = self.items.get(table, {})
        yield from (stored[key] for key in sorted(key for key in stored if key > after))

    def _with_copies(self, table: str, after: tuple[str, str]) -> Iterator[Item]:
        """Yield the items behind a key, copies too: first those without a number, then those of each number."""
        plain = [key for key in self.items.get(table, {}) if not _NUMBER.search(key[0])]
        first = [key for key in self.items.get(table, {}) if number_text(0) in key[0]]
        number = _NUMBER.search(after[0])
        if not number:
            yield from (self.items[table][key] for key in sorted(plain) if key > after)
        begin = int(number[0]) if number else 0
        for at in range(begin, self.population + 1 if first else 0):
            for pk, sk in sorted(first):
                key = (pk.replace(number_text(0), number_text(at)), sk)
                item = self._find((table, *key)) if at > begin or not number or key > after else None
                if item:
                    yield item

    def _write(self, call: Body, change: Callable[[Item | None], Item | None]) -> Body:
        key = self._key(call["TableName"], call.get("Key") or call["Item"])
        refusal = self._refusal(call)
        if refusal:
            raise refusal
        before = self._find(key)
        after = change(before)
        if after is not None:
            require_item(after)
            if item_bytes(after) > MAX_ITEM_BYTES:
                raise AwsError("ValidationException", "Item size has exceeded the maximum allowed size")
        answers, asked = {"NONE": None, "ALL_NEW": after, "ALL_OLD": before}, call.get("ReturnValues", "NONE")
        if asked not in answers:
            raise NotImplementedError(f"ReturnValues {asked}")
        self._keep(key, after)
        wanted = answers[asked]
        return {} if wanted is None else {"Attributes": wanted}

    def _keep(self, key: Key, item: Item | None) -> None:
        table = self.items.setdefault(key[0], {})
        if item is None:
            table.pop(key[1:], None)
        else:
            table[key[1:]] = item

    def _refusal(self, call: Body) -> AwsError | None:
        item = self._find(self._key(call["TableName"], call.get("Key") or call["Item"]))
        if "ConditionExpression" not in call or holds(call["ConditionExpression"], item, call):
            return None
        is_shown = item and call.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        message = "The conditional request failed"
        return AwsError("ConditionalCheckFailedException", message, **({"Item": item} if is_shown else {}))

    def _key(self, table: str, attributes: Item) -> Key:
        names = self.key_names(table, attributes)
        require_key(names, attributes)
        pk, *sk = (attributes[name]["S"] for name in names)
        return table, pk, sk[0] if sk else ""

    def _find(self, key: Key) -> Item | None:
        return self.items.get(key[0], {}).get(key[1:]) or self._generate(key)

    def _generate(self, key: Key) -> Item | None:
        number = _NUMBER.search(key[1]) if self.population else None
        if number is None or not 0 < int(number[0]) <= self.population:
            return None
        table, pk, sk = key
        template = self.items.get(table, {}).get((pk.replace(number[0], number_text(0)), sk))
        made: Item | None = json.loads(json.dumps(template).replace(number_text(0), number[0]))
        return made


_OPERATIONS: dict[str, Callable[[Tables, Body], Body]] = {
    "GetItem": Tables.get_item,
    "BatchGetItem": Tables.batch_get_item,
    "PutItem": Tables.put_item,
    "UpdateItem": Tables.update_item,
    "DeleteItem": Tables.delete_item,
    "ConditionCheckItem": Tables.condition_check,
    "TransactWriteItems": Tables.transact_write_items,
    "Query": Tables.query,
    "Scan": Tables.scan,
    "DescribeTable": Tables.describe_table,
}


def _with_counts(items: list[Item], scanned: int) -> Body:
    return {"Items": items, "Count": len(items), "ScannedCount": scanned}


def _reason(refusal: AwsError | None) -> Body:
    if refusal is None:
        return {"Code": "None"}
    shown = {name: value for name, value in refusal.body.items() if name == "Item"}
    return {"Code": "ConditionalCheckFailed", "Message": refusal.body["message"], **shown}


def _require_distinct(keys: Iterable[Key], fault: str) -> None:
    listed = list(keys)
    if len(set(listed)) < len(listed):
        raise AwsError("ValidationException", fault)
    if len(listed) > MAX_MEMBERS:
        raise AwsError("ValidationException", f"Member must have length less than or equal to {MAX_MEMBERS}")
