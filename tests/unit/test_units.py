"""DynamoDB's units, as its Developer Guide counts them."""

from contextlib import suppress
from typing import Any

import pytest

from tests.support.fake_aws.items import item_bytes
from tests.support.fake_aws.tables import AwsError, Tables
from tests.support.fake_aws.units import Meter, Units

KEY = {"pk": {"S": "a"}}
SET_A = {
    "TableName": "t",
    "Key": KEY,
    "UpdateExpression": "SET n = :n",
    "ExpressionAttributeValues": {":n": {"N": "1"}},
}


def item(size_bytes: int, pk: str = "a") -> dict[str, Any]:
    """Return an item of that size."""
    made = {"pk": {"S": pk}, "v": {"S": "x" * (size_bytes - len(f"pk{pk}v"))}}
    assert item_bytes(made) == size_bytes
    return made


class Metered:
    """Tables that hold one item, and a meter."""

    def __init__(self, stored_bytes: int) -> None:
        self.tables = Tables()
        if stored_bytes:
            self.tables.answer("PutItem", {"TableName": "t", "Item": item(stored_bytes)})
        self.meter = Meter(self.tables.find)

    def units(self, operation: str, call: dict[str, Any]) -> Units:
        """Return the units of one call."""
        with suppress(AwsError):
            self.meter.ask(operation, call, lambda: self.tables.answer(operation, call))
        return self.meter.take()


@pytest.mark.parametrize(("stored_bytes", "units"), [(0, 1), (4096, 1), (4097, 2), (65_536, 16)])
def test_consistent_read_takes_a_unit_for_each_4_kb(stored_bytes: int, units: float) -> None:
    call = {"TableName": "t", "Key": KEY}

    assert Metered(stored_bytes).units("GetItem", {**call, "ConsistentRead": True}) == (units, 0)
    assert Metered(stored_bytes).units("GetItem", call) == (units / 2, 0)


def test_each_item_of_a_batch_is_rounded_by_itself() -> None:
    asked = {"Keys": [KEY, {"pk": {"S": "absent"}}], "ConsistentRead": True}

    assert Metered(5000).units("BatchGetItem", {"RequestItems": {"t": asked}}) == (3, 0)


def test_items_of_a_query_are_rounded_together() -> None:
    metered = Metered(3000)
    metered.tables.answer("PutItem", {"TableName": "t", "Item": item(3000, "b")})

    assert metered.units("Scan", {"TableName": "t", "ConsistentRead": True}) == (2, 0)


@pytest.mark.parametrize(
    ("stored_bytes", "put_bytes", "units"),
    [(0, 1024, 1), (0, 1025, 2), (3000, 100, 3), (100, 3000, 3), (65_536, 65_536, 64)],
)
def test_put_takes_a_unit_for_each_kb_of_the_larger_item(stored_bytes: int, put_bytes: int, units: float) -> None:
    assert Metered(stored_bytes).units("PutItem", {"TableName": "t", "Item": item(put_bytes)}) == (0, units)


@pytest.mark.parametrize("asked", ["NONE", "ALL_NEW", "ALL_OLD"])
def test_update_of_one_attribute_takes_the_units_of_the_whole_item_and_none_for_its_answer(asked: str) -> None:
    assert Metered(10_000).units("UpdateItem", SET_A | {"ReturnValues": asked}) == (0, 10)


@pytest.mark.parametrize(("stored_bytes", "units"), [(0, 1), (2048, 2)])
def test_deletion_takes_the_units_of_the_deleted_item(stored_bytes: int, units: float) -> None:
    assert Metered(stored_bytes).units("DeleteItem", {"TableName": "t", "Key": KEY}) == (0, units)


def test_write_whose_condition_does_not_hold_takes_its_units_too() -> None:
    refused = {"TableName": "t", "Item": item(4000), "ConditionExpression": "attribute_not_exists(pk)"}

    assert Metered(3000).units("PutItem", refused) == (0, 4)
    assert Metered(3000).units("UpdateItem", SET_A | {"ConditionExpression": "attribute_exists(absent)"}) == (0, 3)


@pytest.mark.parametrize("condition", ["attribute_exists(pk)", "attribute_not_exists(pk)"])
def test_transaction_takes_twice_the_units_of_each_write_even_if_it_is_cancelled(condition: str) -> None:
    put = {"TableName": "t", "Item": item(1500, "b")}
    check = {"TableName": "t", "Key": KEY, "ConditionExpression": condition}
    members = [{"Put": put}, {"ConditionCheck": check}]

    assert Metered(2500).units("TransactWriteItems", {"TransactItems": members}) == (0, 2 * (2 + 3))


def test_binary_attribute_counts_by_its_bytes() -> None:
    assert item_bytes({"b": {"B": "AAAA"}}) == item_bytes({"b": {"B": b"\0\0\0"}}) == 4
    assert item_bytes({"b": {"B": "AA=="}}) == 2
