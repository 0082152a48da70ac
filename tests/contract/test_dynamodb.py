"""The behaviour of DynamoDB that the store leans on: the fake of the tests and moto have the same."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.stage.aws import Stage
from tests.support.fake_aws.in_process import answering_by_moto, answering_items

KEY = {"pk": {"S": "a"}, "sk": {"S": "1"}}
ONE = {":one": {"N": "1"}}
Answer = dict[str, Any]
_numbers = itertools.count(1)


class Table:
    """One table of this test's own. Each method is an operation of DynamoDB on it."""

    def __init__(self, client: Any) -> None:
        self.client, self.name = client, f"contract-{next(_numbers)}"
        kinds = {"pk": "HASH", "sk": "RANGE"}
        client.create_table(
            TableName=self.name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in kinds.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in kinds],
        )

    def put(self, sk: str = "1", pk: str = "a", **attributes: Answer) -> None:
        self.client.put_item(TableName=self.name, Item={"pk": {"S": pk}, "sk": {"S": sk}, **attributes})

    def item(self, sk: str = "1") -> Answer | None:
        key = KEY | {"sk": {"S": sk}}
        found: Answer | None = self.client.get_item(TableName=self.name, Key=key).get("Item")
        return found and {name: value for name, value in found.items() if name not in KEY}

    def update(self, expression: str, **more: Any) -> Answer:
        answer: Answer = self.client.update_item(TableName=self.name, Key=KEY, UpdateExpression=expression, **more)
        return answer

    def query(self, condition: str = "pk = :pk", values: Answer | None = None, **more: Any) -> Answer:
        given = {":pk": {"S": "a"}} | (values or {})
        answer: Answer = self.client.query(
            TableName=self.name, KeyConditionExpression=condition, ExpressionAttributeValues=given, **more
        )
        return answer

    def write(self, kind: str, sk: str, **more: Any) -> Answer:
        """Return one member of a transaction."""
        key = KEY | {"sk": {"S": sk}}
        return {kind: {"TableName": self.name, ("Item" if kind == "Put" else "Key"): key, **more}}

    def transact(self, *writes: Answer, **more: Any) -> None:
        self.client.transact_write_items(TransactItems=list(writes), **more)


@pytest.fixture(params=[answering_items, answering_by_moto], ids=["fake", "moto"])
def table(stage: Stage, request: pytest.FixtureRequest) -> Iterator[Table]:
    with request.param():
        yield Table(stage.clients.dynamodb)


@pytest.fixture
def fake(stage: Stage) -> Iterator[Table]:
    """A table of the fake, for what moto leaves out."""
    with answering_items():
        yield Table(stage.clients.dynamodb)


def refusal(call: Callable[..., Any], *args: Any, **params: Any) -> Answer:
    with pytest.raises(ClientError) as refused:
        call(*args, **params)
    answer: Any = refused.value.response
    return {
        "Code": answer["Error"]["Code"],
        **{name: answer[name] for name in ("Item", "CancellationReasons") if name in answer},
    }


def test_item_is_found_as_it_was_put(table: Table) -> None:
    kinds: Answer = {
        "text": {"S": ""}, "number": {"N": "12"}, "flag": {"BOOL": True}, "none": {"NULL": True},
        "list": {"L": [{"S": "x"}]}, "map": {"M": {"a": {"N": "1"}}}, "set": {"SS": ["b"]},
    }  # fmt: skip
    table.put(**kinds)

    assert table.item() == kinds
    assert table.item("2") is None


def test_number_keeps_all_its_digits(table: Table) -> None:
    table.put(number={"N": "12345678901234567890"})
    table.update(
        "ADD number_of :one, #n :one", ExpressionAttributeValues=ONE, ExpressionAttributeNames={"#n": "number"}
    )

    assert table.item() == {"number": {"N": "12345678901234567891"}, "number_of": {"N": "1"}}


@pytest.mark.parametrize(
    "key",
    [{"pk": {"S": "a"}}, {"pk": {"S": ""}, "sk": {"S": "1"}}],
    ids=["without sort key", "empty"],
)
def test_key_that_the_table_does_not_have_is_refused(table: Table, key: Answer) -> None:
    assert refusal(table.client.get_item, TableName=table.name, Key=key)["Code"] == "ValidationException"


def test_table_that_is_not_there_is_not_found(table: Table) -> None:
    answer = refusal(table.client.get_item, TableName="nowhere", Key=KEY)

    assert answer["Code"] == "ResourceNotFoundException"


def test_item_over_400_kb_is_refused(table: Table) -> None:
    table.put(text={"S": "x" * 400_000})

    assert refusal(table.put, text={"S": "x" * 420_000})["Code"] == "ValidationException"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("attribute_exists(pk)", True),
        ("attribute_not_exists(pk)", False),
        ("attribute_not_exists(absent)", True),
        ("seven = :seven", True),
        ("seven = :text", False),
        ("seven < :seven", False),
        ("seven <= :seven", True),
        ("absent < :seven", False),
        ("absent = :seven", False),
        ("attribute_not_exists(seven) OR (seven >= :seven AND word = :text)", True),
        ("attribute_exists(absent) AND attribute_exists(seven) OR word = :text", True),
        ("NOT word = :text", False),
        ("contains(members, :text)", True),
        ("contains(members, :part)", False),
        ("contains(word, :part)", True),
        ("contains(absent, :text)", False),
        ("contains(seven, :text)", False),
        ("size(members) < :seven", True),
        ("size(word) < :seven", True),
    ],
)
def test_condition_decides_over_the_write(table: Table, condition: str, expected: bool) -> None:
    table.put(seven={"N": "7"}, word={"S": "text"}, members={"SS": ["more", "text"]})
    all_values: Answer = {":seven": {"N": "7"}, ":text": {"S": "text"}, ":part": {"S": "ex"}}
    values = {name: value for name, value in all_values.items() if name in condition}
    more = {"ExpressionAttributeValues": values} if values else {}

    def delete() -> None:
        table.client.delete_item(TableName=table.name, Key=KEY, ConditionExpression=condition, **more)

    if expected:
        delete()
    else:
        assert refusal(delete)["Code"] == "ConditionalCheckFailedException"
    assert (table.item() is None) is expected


def test_failed_condition_shows_the_item_if_it_is_asked_for(table: Table) -> None:
    table.put(word={"S": "as it was"})
    condition: Answer = {"ConditionExpression": "attribute_not_exists(pk)"}
    shown = refusal(table.update, "SET word = pk", **condition, ReturnValuesOnConditionCheckFailure="ALL_OLD")

    assert shown["Item"] == {**KEY, "word": {"S": "as it was"}}
    assert "Item" not in refusal(table.update, "SET word = pk", **condition)


def test_update_makes_the_item_that_is_not_there(table: Table) -> None:
    answer = table.update("ADD tries :one SET word = :one", ExpressionAttributeValues=ONE, ReturnValues="ALL_NEW")

    assert answer["Attributes"] == {**KEY, "tries": {"N": "1"}, "word": {"N": "1"}}


def test_update_adds_sets_and_removes_by_what_stood_there(table: Table) -> None:
    table.put(tries={"N": "2"}, rest={"N": "9"}, gone={"S": "x"})
    table.update(
        "SET rest = tries - :one, fresh = if_not_exists(fresh, :one) + :one ADD tries :one REMOVE gone, absent",
        ExpressionAttributeValues=ONE,
    )

    assert table.item() == {"tries": {"N": "3"}, "rest": {"N": "1"}, "fresh": {"N": "2"}}


def test_update_puts_texts_into_a_set_and_takes_them_out(table: Table) -> None:
    table.put(kept={"SS": ["a", "b"]}, sole={"SS": ["a"]})
    texts: Answer = {":b": {"SS": ["b"]}, ":a": {"SS": ["a", "absent"]}}
    table.update("ADD fresh :b, kept :a DELETE sole :a, nowhere :b", ExpressionAttributeValues=texts)
    after = table.item()

    assert after
    assert after.pop("fresh") == {"SS": ["b"]}
    assert {name: sorted(members["SS"]) for name, members in after.items()} == {"kept": ["a", "absent", "b"]}


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("SET word = absent", {}),
        ("SET pk = :one", ONE),
        ("ADD word :one", ONE),
        ("SET word = :one, word = :one", ONE),
        ("SET status = :one", ONE),
        ("SET word = :one", ONE | {":unused": {"N": "1"}}),
        ("SET word = :absent", ONE),
    ],
    ids=["of an absent one", "key", "number to a text", "twice", "reserved word", "unused value", "absent value"],
)
def test_update_that_cannot_be_is_refused(table: Table, expression: str, values: Answer) -> None:
    table.put(word={"S": "text"})
    more = {"ExpressionAttributeValues": values} if values else {}

    assert refusal(table.update, expression, **more)["Code"] == "ValidationException"
    assert table.item() == {"word": {"S": "text"}}


def test_transaction_writes_all(table: Table) -> None:
    table.put("old")
    table.put("gone")
    table.transact(
        table.write("Put", "new"),
        table.write("Update", "old", UpdateExpression="ADD tries :one", ExpressionAttributeValues=ONE),
        table.write("Delete", "gone"),
        table.write("ConditionCheck", "absent", ConditionExpression="attribute_not_exists(pk)"),
    )

    assert [table.item(sk) for sk in ("new", "old", "gone")] == [{}, {"tries": {"N": "1"}}, None]


def test_cancelled_transaction_writes_nothing_and_says_which_condition(table: Table) -> None:
    table.put("old")
    is_new = {"ConditionExpression": "attribute_not_exists(pk)"}
    shown = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    refused = refusal(table.transact, table.write("Put", "new"), table.write("Put", "old", **is_new, **shown))

    first, second = refused["CancellationReasons"]
    assert (refused["Code"], first["Code"]) == ("TransactionCanceledException", "None")
    assert (second["Code"], second["Item"]) == ("ConditionalCheckFailed", KEY | {"sk": {"S": "old"}})
    assert table.item("new") is None


def test_transaction_takes_one_write_of_an_item(table: Table) -> None:
    twice = (table.write("Put", "new"), table.write("Delete", "new"))

    assert refusal(table.transact, *twice)["Code"] == "ValidationException"


def test_batch_finds_what_is_there_of_at_most_a_hundred_different_keys(table: Table) -> None:
    table.put("1")
    table.put("3")

    def get(*sort_keys: str) -> Any:
        keys = [KEY | {"sk": {"S": sk}} for sk in sort_keys]
        return table.client.batch_get_item(RequestItems={table.name: {"Keys": keys}})

    found = get("1", "2", "3")
    assert sorted(item["sk"]["S"] for item in found["Responses"][table.name]) == ["1", "3"]
    assert found["UnprocessedKeys"] == {}
    assert refusal(get, "1", "1")["Code"] == "ValidationException"
    assert refusal(get, *map(str, range(101)))["Code"] == "ValidationException"


def test_query_gives_a_partition_in_the_order_of_its_sort_keys(table: Table) -> None:
    for sk in ("b2", "a", "b10"):
        table.put(sk)
    table.put("b", pk="other")

    assert [item["sk"]["S"] for item in table.query()["Items"]] == ["a", "b10", "b2"]
    begun = table.query("pk = :pk AND begins_with(sk, :sk)", {":sk": {"S": "b"}})
    assert [item["sk"]["S"] for item in begun["Items"]] == ["b10", "b2"]


def test_filter_leaves_out_what_is_read(table: Table) -> None:
    for number in range(3):
        table.put(str(number), number_of={"N": str(number)})
    found = table.query(values={":most": {"N": "1"}}, FilterExpression="number_of < :most")

    assert (found["Count"], found["ScannedCount"]) == (1, 3)


@pytest.mark.parametrize("operation", ["query", "scan"])
def test_all_is_found_page_by_page(table: Table, operation: str) -> None:
    for number in range(5):
        table.put(str(number), text={"S": "x" * 300_000})
    values: Answer = {":pk": {"S": "a"}}
    asked = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": values} if operation == "query" else {}
    pages = list(table.client.get_paginator(operation).paginate(TableName=table.name, **asked))

    assert len(pages) > 1
    assert [item["sk"]["S"] for page in pages for item in page["Items"]] == ["0", "1", "2", "3", "4"]
    limited = getattr(table.client, operation)(TableName=table.name, Limit=2, **asked)
    assert limited["LastEvaluatedKey"] == KEY | {"sk": {"S": "1"}}


def test_segments_of_a_scan_are_together_the_whole_table(table: Table) -> None:
    for number in range(20):
        table.put(pk=str(number))
    found = [
        item["pk"]["S"]
        for number in range(3)
        for item in table.client.scan(TableName=table.name, Segment=number, TotalSegments=3)["Items"]
    ]

    assert sorted(found) == sorted(map(str, range(20)))


def test_table_that_is_made_anew_is_empty(table: Table) -> None:
    table.put()
    table.client.delete_table(TableName=table.name)
    Table.__init__(again := Table.__new__(Table), table.client)

    assert again.query()["Items"] == []


def test_fake_refuses_a_key_of_another_kind(fake: Table) -> None:
    key = KEY | {"sk": {"N": "1"}}

    assert refusal(fake.client.get_item, TableName=fake.name, Key=key)["Code"] == "ValidationException"


def test_fake_holds_no_order_between_two_kinds(fake: Table) -> None:
    fake.put(seven={"N": "7"})
    condition: Answer = {"ConditionExpression": "seven < :text", "ExpressionAttributeValues": {":text": {"S": "8"}}}

    assert refusal(fake.update, "SET seven = :text", **condition)["Code"] == "ConditionalCheckFailedException"


def test_fake_does_a_transaction_that_is_sent_twice_once(fake: Table) -> None:
    write = fake.write("Update", "1", UpdateExpression="ADD tries :one", ExpressionAttributeValues=ONE)
    for _ in range(2):
        fake.transact(write, ClientRequestToken="the same")

    assert fake.item() == {"tries": {"N": "1"}}
    other = refusal(fake.transact, fake.write("Put", "2"), ClientRequestToken="the same")
    assert other["Code"] == "IdempotentParameterMismatchException"


@pytest.mark.parametrize(
    "more",
    [
        {"UpdateExpression": "SET a.b = :one"},
        {"UpdateExpression": "ADD a :one, b :one SET"},
        {"UpdateExpression": "SET a = list_append(a, :one)"},
        {"UpdateExpression": "SET a = :one", "ConditionExpression": "attribute_type(a, :one)"},
        {"UpdateExpression": "SET a = :one", "ReturnConsumedCapacity": "TOTAL"},
        {"UpdateExpression": "SET a = :one", "ReturnValues": "UPDATED_OLD"},
    ],
)
def test_fake_makes_nothing_up(fake: Table, more: Answer) -> None:
    with pytest.raises((ValueError, NotImplementedError)):
        fake.client.update_item(TableName=fake.name, Key=KEY, ExpressionAttributeValues=ONE, **more)
