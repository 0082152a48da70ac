"""Queries and scans of more than a page."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from chalicelib.store.aws.connections import connect_over
from chalicelib.store.dynamo import Dynamo
from tests.support.wire_double import WireDouble, reply

ENVIRON = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-west-1"}
KEY = {"pk": {"S": "user#1"}}


@pytest.mark.parametrize(
    "read",
    [
        lambda dynamo: dynamo.query("people", "pk = :pk", {":pk": "user#1"}),
        lambda dynamo: dynamo.scan("people"),
    ],
    ids=["query", "scan"],
)
def test_pages_are_read_until_there_are_no_more(read: Callable[[Dynamo], Iterable[dict[str, Any]]]) -> None:
    first = reply({"Items": [{"number": {"N": "1"}}], "LastEvaluatedKey": KEY})
    wire = WireDouble([first, reply({"Items": [{"number": {"N": "2"}}]})])

    assert list(read(Dynamo(connect_over(wire, ENVIRON)))) == [{"number": 1}, {"number": 2}]
    assert [sent.parameters.get("ExclusiveStartKey") for sent in wire.sent] == [None, KEY]
