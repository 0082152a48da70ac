"""The stub's DynamoDB: tables in memory, each call atomic because it is answered in one go."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.fake_aws.expressions import Item, holds, updated

Body = dict[str, Any]
NUMBER_DIGITS = 24
_NUMBER = re.compile(rf"[0-9]{{{NUMBER_DIGITS}}}")


class Refused(Exception):
    """A call is answered with an error. body: as DynamoDB sends it."""

    def __init__(self, kind: str, **body: Any) -> None:
        """kind: the error's name."""
        super().__init__(kind)
        self.body: Body = {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": kind, **body}


def numbered(number: int) -> str:
    """Return a number as the keys and texts of generated items hold it."""
    return f"{number:0{NUMBER_DIGITS}}"


@dataclass(slots=True)
class Tables:
    """All tables. population: how many items stand for each that holds number 0 in its key.

    Item number 0 was written by the store; number 1 to population are made of it when they are first read.
    """

    population: int = 0
    items: dict[tuple[str, str, str], Item] = field(default_factory=dict)

    def answer(self, operation: str, call: Body) -> Body:
        """Return DynamoDB's answer; raises Refused, KeyError for an operation that Gatehouse does not use."""
        return _OPERATIONS[operation](self, call)

    def get_item(self, call: Body) -> Body:
        """GetItem."""
        item = self._find(_key(call["TableName"], call["Key"]))
        return {} if item is None else {"Item": item}

    def batch_get_item(self, call: Body) -> Body:
        """BatchGetItem."""
        found = {
            table: [self._find(_key(table, key)) for key in asked["Keys"]]
            for table, asked in call["RequestItems"].items()
        }
        return {"Responses": {table: [item for item in items if item] for table, items in found.items()}}

    def put_item(self, call: Body) -> Body:
        """PutItem."""
        return self._write(call, lambda _: call["Item"])

    def update_item(self, call: Body) -> Body:
        """UpdateItem."""
        return self._write(call, lambda item: updated(call["UpdateExpression"], item or call["Key"], call))

    def delete_item(self, call: Body) -> Body:
        """DeleteItem."""
        return self._write(call, lambda _: None)

    def transact_write_items(self, call: Body) -> Body:
        """TransactWriteItems: every condition is asked before anything is written."""
        writes = [(kind, write) for member in call["TransactItems"] for kind, write in member.items()]
        failed = [self._refusal(write) is not None for _, write in writes]
        if any(failed):
            codes = [{"Code": "ConditionalCheckFailed" if one else "None"} for one in failed]
            raise Refused("TransactionCanceledException", CancellationReasons=codes)
        for kind, write in writes:
            if kind != "ConditionCheck":
                self.answer(f"{kind}Item", write)
        return {}

    def query(self, call: Body) -> Body:
        """Query by key alone."""
        return self._all(call, lambda item: holds(call["KeyConditionExpression"], item, call))

    def scan(self, call: Body) -> Body:
        """Scan, for the tools."""
        return self._all(call, lambda _: True)

    def describe_table(self, call: Body) -> Body:
        """DescribeTable: every table is there."""
        return {"Table": {"TableName": call["TableName"]}}

    def _all(self, call: Body, is_meant: Callable[[Item], bool]) -> Body:
        mine = [item for (table, *_), item in self.items.items() if table == call["TableName"]]
        return {"Items": [item for item in mine if is_meant(item)]}

    def _write(self, call: Body, after: Callable[[Item | None], Item | None]) -> Body:
        refusal = self._refusal(call)
        if refusal:
            raise refusal
        key = _key(call["TableName"], call.get("Key") or call["Item"])
        item = after(self._find(key))
        if item is None:
            self.items.pop(key, None)
        else:
            self.items[key] = item
        return {"Attributes": item} if call.get("ReturnValues") == "ALL_NEW" else {}

    def _refusal(self, call: Body) -> Refused | None:
        item = self._find(_key(call["TableName"], call.get("Key") or call["Item"]))
        if "ConditionExpression" not in call or holds(call["ConditionExpression"], item, call):
            return None
        is_shown = item and call.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        return Refused("ConditionalCheckFailedException", **({"Item": item} if is_shown else {}))

    def _find(self, key: tuple[str, str, str]) -> Item | None:
        return self.items.get(key) or self._generated(key)

    def _generated(self, key: tuple[str, str, str]) -> Item | None:
        number = _NUMBER.search(key[1])
        if number is None or not 0 < int(number[0]) <= self.population:
            return None
        table, pk, sk = key
        template = self.items.get((table, pk.replace(number[0], numbered(0)), sk))
        made: Item | None = json.loads(json.dumps(template).replace(numbered(0), number[0]))
        return made


_OPERATIONS: dict[str, Callable[[Tables, Body], Body]] = {
    "GetItem": Tables.get_item,
    "BatchGetItem": Tables.batch_get_item,
    "PutItem": Tables.put_item,
    "UpdateItem": Tables.update_item,
    "DeleteItem": Tables.delete_item,
    "TransactWriteItems": Tables.transact_write_items,
    "Query": Tables.query,
    "Scan": Tables.scan,
    "DescribeTable": Tables.describe_table,
}


def _key(table: str, attributes: Mapping[str, Any]) -> tuple[str, str, str]:
    return table, attributes["pk"]["S"], attributes.get("sk", {"S": ""})["S"]
