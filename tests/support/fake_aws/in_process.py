"""Put the fake in moto's place for DynamoDB's items only: moto still makes, changes and deletes tables."""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from infra.local.emulated_aws import REGION
from tests.support.fake_aws.expressions import Item
from tests.support.fake_aws.tables import AwsError, Body, Tables

OK, BAD_REQUEST = 200, 400
HOST = f"https://dynamodb.{REGION}.amazonaws.com"
TARGET = "DynamoDB_20120810."
HEADERS = {"content-type": "application/x-amz-json-1.0"}
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]
Answer = tuple[int, dict[str, str], str]
_ITEM_OPERATIONS = (
    "GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "Query", "Scan"
)  # fmt: skip


class ItemsOfMoto:
    """The items of this process's tables in moto, of one Region. They are deleted with their table."""

    def __init__(self, region: str = REGION) -> None:
        self.region = region
        self.items: WeakKeyDictionary[Table, dict[tuple[str, str], Item]] = WeakKeyDictionary()
        self.tables = Tables(key_names=lambda name, _: _key_names(self.table(name)))

    def table(self, name: str) -> Table:
        return dynamodb_backends[DEFAULT_ACCOUNT_ID][self.region].tables[name]

    def answer(self, operation: str, body: bytes) -> Answer | None:
        """Return the answer to a call about items, or None if moto must answer: another call, or an unknown table."""
        call = json.loads(body)
        names = set(_table_names(call))
        if operation not in _ITEM_OPERATIONS or names - set(dynamodb_backends[DEFAULT_ACCOUNT_ID][self.region].tables):
            return None
        for name in names:
            self.tables.items[name] = self.items.setdefault(self.table(name), {})
        try:
            return OK, HEADERS, json.dumps(self.tables.answer(operation, call))
        except AwsError as refused:
            return BAD_REQUEST, HEADERS, json.dumps(refused.body)


BY_MOTO = BotocoreStubber.process_request
_ITEMS = ItemsOfMoto()


def answer(self: BotocoreStubber, request: Any) -> Any:
    """Return the answer to botocore's request, in place of moto's method of the same signature."""
    target = request.headers.get("X-Amz-Target", "")
    operation = (target.decode() if isinstance(target, bytes) else target).partition(TARGET)[2]
    found = _ITEMS.answer(operation, request.body) if operation and request.url.startswith(HOST) else None
    return found or BY_MOTO(self, request)


@contextmanager
def answering_items() -> Iterator[None]:
    """Answer this process's calls about items by the fake until the block ends, one call at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BotocoreStubber, "process_request", answer)
        yield


@contextmanager
def answering_by_moto() -> Iterator[None]:
    """Answer this process's calls by moto alone until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BotocoreStubber, "process_request", BY_MOTO)
        yield


def serve_items(moto: Wsgi) -> Wsgi:
    """Return a WSGI application that answers like this process: by the fake or by moto."""

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(TARGET)[2]
        if not operation or BotocoreStubber.process_request is not answer:
            return moto(environ, start_response)
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = io.BytesIO(body)
        found = _ITEMS.answer(operation, body)
        if found is None:
            return moto(environ, start_response)
        status, headers, text = found
        start_response(f"{status} -", list(headers.items()))
        return [text.encode()]

    return application


def _key_names(table: Table) -> tuple[str, ...]:
    return tuple(name for name in (table.hash_key_attr, table.range_key_attr) if name)


def _table_names(call: Body) -> Iterator[str]:
    if "TableName" in call:
        yield call["TableName"]
    yield from call.get("RequestItems", {})
    for member in call.get("TransactItems", []):
        yield from (write["TableName"] for write in member.values())
