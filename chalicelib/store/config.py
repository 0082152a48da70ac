"""The config table: one document an item, read by key and kept in the process for a minute."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from chalicelib.errors import ServerError
from chalicelib.model.key import KeySet, SigningKey
from chalicelib.model.tenant import Api, Client, Realm, Tenant
from chalicelib.store.aws import call
from chalicelib.store.documents import Document, api_from, client_from, realm_from, tenant_from
from chalicelib.store.items import from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

CACHE_LIFETIME_S = 60
CACHE_SIZE = 10_000
MAX_KEY_BYTES = 1024


@dataclass(slots=True)
class _Cache:
    """The documents read last, until its time is up; the oldest goes first when it is full."""

    entries: dict[str, tuple[float, Document]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: str, now: float) -> Document | None:
        entry = self.entries.get(key)
        return entry[1] if entry and entry[0] > now else None

    def put(self, key: str, expires_at: float, document: Document) -> None:
        with self.lock:
            self.entries.pop(key, None)
            if len(self.entries) >= CACHE_SIZE:
                del self.entries[next(iter(self.entries))]
            self.entries[key] = (expires_at, document)


@dataclass(frozen=True, slots=True)
class ConfigStore:
    """Reads and writes the configuration of one stage.

    clock: epoch seconds. lifetime_s: how long what was read is believed; the tools say 0. What is not there is not
    remembered, so that a new client works at once and strangers' names fill no memory.
    """

    dynamodb: "DynamoDBClient"
    table: str
    clock: Callable[[], float]
    lifetime_s: int = CACHE_LIFETIME_S
    _cache: _Cache = field(default_factory=_Cache, repr=False)

    def tenant(self) -> Tenant:
        """Return the tenant; raises ServerError where the stage was never provisioned."""
        document = self._read("tenant")
        if document is None:
            raise ServerError("The service is not set up.", reason=f"{self.table} holds no tenant")
        return tenant_from(document)

    def realm(self, name: str) -> Realm | None:
        """Return the realm of that name."""
        document = self._read(f"realm#{name}")
        return realm_from(document) if document else None

    def api(self, identifier: str) -> Api | None:
        """Return the API of that audience."""
        document = self._read(f"api#{identifier}")
        return api_from(document) if document else None

    def client(self, client_id: str) -> Client | None:
        """Return the client of that id."""
        document = self._read(f"client#{client_id}")
        return client_from(document) if document else None

    def keys(self) -> KeySet:
        """Return the key set; empty where no key was made yet."""
        document = self._read("keys") or {"keys": []}
        return KeySet(tuple(SigningKey(**key) for key in document["keys"]))

    def rule_settings(self) -> Document | None:
        """Return the sealed settings of the team's rules."""
        return self._read("rule_settings")

    def put(self, key: str, document: Document) -> None:
        """Write one document, for the tools."""
        item = to_item({"pk": key, "document": json.dumps(document, sort_keys=True)})
        call(self.dynamodb.put_item, TableName=self.table, Item=item)

    def put_keys(self, keys: KeySet) -> None:
        """Write the key set, for the tools."""
        self.put("keys", {"keys": [asdict(key) for key in keys.keys]})

    def delete(self, key: str) -> None:
        """Delete one document, for the tools."""
        call(self.dynamodb.delete_item, TableName=self.table, Key=to_item({"pk": key}))

    def documents(self) -> Iterator[tuple[str, Document]]:
        """Return every key with its document, fresh, for the tools: a scan, on no request path."""
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True):
            for item in page["Items"]:
                values = from_item(item)
                yield values["pk"], json.loads(values["document"])

    def _read(self, key: str) -> Document | None:
        if len(key.encode()) > MAX_KEY_BYTES:
            return None
        now = self.clock()
        cached = self._cache.get(key, now)
        if cached is not None:
            return cached
        answer = call(self.dynamodb.get_item, TableName=self.table, Key=to_item({"pk": key}), ConsistentRead=True)
        if "Item" not in answer:
            return None
        document: Document = json.loads(from_item(answer["Item"])["document"])
        self._cache.put(key, now + self.lifetime_s, document)
        return document
