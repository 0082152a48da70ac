"""The config table: one document an item, read by key and kept in the process for a minute."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.errors import ServerError
from chalicelib.model.key import KeySet, SigningKey
from chalicelib.model.tenant import Api, Client, Realm, Tenant
from chalicelib.store.aws import ConditionFailed, call
from chalicelib.store.documents import Document, api_from, client_from, realm_from, tenant_from
from chalicelib.store.items import from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

A = TypeVar("A")

CACHE_LIFETIME_S = 60
CACHE_SIZE = 10_000
# That there is no such client is believed for so long, so that asking again costs what it costs for a known one.
ABSENCE_LIFETIME_S = 10
MAX_ABSENCES = 1_000
MAX_KEY_BYTES = 1024


@dataclass(slots=True)
class _Cache:
    """What the documents read last came to, until its time is up; the oldest goes first when it is full."""

    size: int = CACHE_SIZE
    entries: dict[str, tuple[float, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: str, now: float) -> Any:
        entry = self.entries.get(key)
        return entry[1] if entry and entry[0] > now else None

    def put(self, key: str, expires_at: float, value: Any) -> None:
        with self.lock:
            self.entries.pop(key, None)
            if len(self.entries) >= self.size:
                del self.entries[next(iter(self.entries))]
            self.entries[key] = (expires_at, value)


@dataclass(frozen=True, slots=True)
class ConfigStore:
    """Reads and writes the configuration of one stage.

    clock: epoch seconds. lifetime_s: how long what was read is believed; the tools say 0. That a client is not there is
    believed for seconds, and of few ids: a new client works soon, and strangers' names fill no memory.
    """

    dynamodb: "DynamoDBClient"
    table: str
    clock: Callable[[], float]
    lifetime_s: int = CACHE_LIFETIME_S
    _cache: _Cache = field(default_factory=_Cache, repr=False)
    _absent_clients: _Cache = field(default_factory=lambda: _Cache(MAX_ABSENCES), repr=False)

    def tenant(self) -> Tenant:
        """Return the tenant; raises ServerError where the stage was never provisioned."""
        tenant = self._read("tenant", tenant_from)
        if tenant is None:
            raise ServerError("The service is not set up.", reason=f"{self.table} holds no tenant")
        return tenant

    def realm(self, name: str) -> Realm | None:
        """Return the realm of that name."""
        return self._read(f"realm#{name}", realm_from)

    def api(self, identifier: str) -> Api | None:
        """Return the API of that audience."""
        return self._read(f"api#{identifier}", api_from)

    def api_of(self, identifier: str, client: Client) -> Api | None:
        """Return the API of that audience as people's logins through a client may have it."""
        api = self.api(identifier)
        return client.bounded(api) if api else None

    def client(self, client_id: str) -> Client | None:
        """Return the client of that id; a disabled one is as unknown as any."""
        key, now = f"client#{client_id}", self.clock()
        if len(key.encode()) > MAX_KEY_BYTES or self._absent_clients.get(key, now):
            return None
        client = self._read(key, client_from)
        if client is None:
            self._absent_clients.put(key, now + min(ABSENCE_LIFETIME_S, self.lifetime_s), True)
        return client

    def keys(self) -> KeySet:
        """Return the key set; empty where no key was made yet."""
        return self._read("keys", _keys_from) or KeySet()

    def rule_settings(self) -> Document | None:
        """Return the sealed settings of the team's rules."""
        return self._read("rule_settings", lambda document: document)

    def stage_key(self) -> Document | None:
        """Return the sealed key of the stage."""
        return self._read("stage_key", lambda document: document)

    def put(self, key: str, document: Document) -> None:
        """Write one document, for the tools."""
        call(self.dynamodb.put_item, TableName=self.table, Item=_to_item(key, document))

    def put_new(self, key: str, document: Document) -> bool:
        """Write one document if there is none under this key, for the tools. Return False if there is one."""
        try:
            call(
                self.dynamodb.put_item,
                TableName=self.table,
                Item=_to_item(key, document),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ConditionFailed:
            return False
        return True

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

    def _read(self, key: str, made: Callable[[Document], A | None]) -> A | None:
        """Return what is made of a document; it is made once for each read, and nobody changes it."""
        if len(key.encode()) > MAX_KEY_BYTES:
            return None
        now = self.clock()
        cached: A | None = self._cache.get(key, now)
        if cached is not None:
            return cached
        answer = call(self.dynamodb.get_item, TableName=self.table, Key=to_item({"pk": key}), ConsistentRead=True)
        if "Item" not in answer:
            return None
        value = made(json.loads(from_item(answer["Item"])["document"]))
        if value is not None:
            self._cache.put(key, now + self.lifetime_s, value)
        return value


def _to_item(key: str, document: Document) -> dict[str, Any]:
    return to_item({"pk": key, "document": json.dumps(document, sort_keys=True)})


def _keys_from(document: Document) -> KeySet:
    return KeySet(tuple(SigningKey(**key) for key in document["keys"]))
