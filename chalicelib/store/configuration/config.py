"""The config table: each item is one document, read by key and cached in the process for a minute."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from chalicelib.errors import ServerError
from chalicelib.model.clock import Clock
from chalicelib.model.key import KeySet, SigningKey
from chalicelib.model.storage import Item, Key, Read, Value
from chalicelib.model.tenant import Api, Client, Realm, Tenant
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.cache import Cache, shorten
from chalicelib.store.configuration.documents import Document, api_from, client_from, realm_from, tenant_from
from chalicelib.store.dynamo import Dynamo

A = TypeVar("A")

CACHE_LIFETIME_S = 60
# An unknown client_id is remembered this long, so that asking again costs the same as for a known one.
ABSENCE_LIFETIME_S = 10
MAX_ABSENCES = 1_000
MAX_KEY_BYTES = 1024
# A document is read by each process every minute, and a login pays for its size. The tools refuse a larger one.
MAX_DOCUMENT_BYTES = 32 * 1024
# The limit of DynamoDB's BatchGetItem.
MAX_BATCH = 100


@dataclass(slots=True, eq=False, repr=False)
class ConfigStore:
    """Reads and writes the configuration of one stage.

    lifetime_s: how long a value is cached at most; 0 in the tools. choose: returns a random number below the given one,
    which ends the lifetime of each value at another time. An unknown client_id is cached for seconds only, so that a
    new client works soon. Only MAX_ABSENCES are cached, so that they do not fill the memory.
    """

    dynamo: Dynamo
    table: str
    clock: Clock
    lifetime_s: int = CACHE_LIFETIME_S
    choose: Callable[[int], int] = secrets.randbelow
    _cache: Cache[Any] = field(default_factory=Cache, repr=False)
    _absent_clients: Cache[bool] = field(default_factory=lambda: Cache(MAX_ABSENCES), repr=False)

    def tenant(self) -> Tenant:
        """Return the tenant; raises ServerError if the stage was never provisioned."""
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
        """Return the API of that audience, with the scopes that logins through a client may have."""
        api = self.api(identifier)
        return client.bound_api(api) if api else None

    def client(self, client_id: str) -> Client | None:
        """Return the client of that client_id, or None for an unknown or disabled one."""
        key, now = f"client#{client_id}", self.clock.now_s()
        if len(key.encode()) > MAX_KEY_BYTES or self._absent_clients.get(key, now):
            return None
        client = self._read(key, client_from)
        if client is None:
            self._absent_clients.put(key, now + min(ABSENCE_LIFETIME_S, self.lifetime_s), True)
        return client

    def keys(self) -> KeySet:
        """Return the key set; empty if no key was made yet."""
        return self._read("keys", _keys_from) or KeySet()

    def forget_keys(self) -> None:
        """Read the key set anew the next time, whatever is cached."""
        self._cache.drop("keys")

    def stage_key(self) -> Document | None:
        """Return the sealed key of the stage."""
        return self._read("stage_key", lambda document: document)

    def read_fresh(self, *keys: str) -> tuple[Document | None, ...]:
        """Return the documents of these keys, freshly read in one call for each MAX_BATCH of them."""
        chunks = [keys[start : start + MAX_BATCH] for start in range(0, len(keys), MAX_BATCH)]
        reads = [Read(tuple(Key(self.table, key) for key in chunk), _documents_from) for chunk in chunks]
        return tuple(document for read in reads for document in self.dynamo.read(read))

    def put(self, key: str, document: Document) -> None:
        """Write one document, for the tools."""
        self.dynamo.put(self.table, _values(key, document))

    def replace(self, key: str, before: Document | None, document: Document) -> bool:
        """Write one document in place of another (None: of none), for the tools; return False if that has changed."""
        if before is None:
            return self.put_new(key, document)
        try:
            old = _encode(before)
            self.dynamo.put_if(self.table, _values(key, document), "document = :old", old=old)
        except ConditionFailed:
            return False
        return True

    def put_new(self, key: str, document: Document) -> bool:
        """Write one document if there is none under this key, for the tools. Return False if there is one."""
        try:
            self.dynamo.put_if(self.table, _values(key, document), "attribute_not_exists(pk)")
        except ConditionFailed:
            return False
        return True

    def replace_keys(self, before: KeySet, keys: KeySet) -> bool:
        """Write the key set in place of another; return False if that has changed. For the rotation and the tools."""
        return self.replace("keys", _keys_document(before) if before.keys else None, _keys_document(keys))

    def delete(self, key: str) -> None:
        """Delete one document, for the tools."""
        self.dynamo.delete(Key(self.table, key))

    def documents(self) -> Iterator[tuple[str, Document]]:
        """Return every key with its document, freshly read, for the tools: a scan, which no request makes."""
        for item in self.dynamo.scan(self.table, ConsistentRead=True):
            yield item["pk"], json.loads(item["document"])

    def _read(self, key: str, made: Callable[[Document], A | None]) -> A | None:
        """Return the value made of a document. It is cached and shared, so callers must not change it."""
        if len(key.encode()) > MAX_KEY_BYTES:
            return None
        now = self.clock.now_s()
        cached: A | None = self._cache.get(key, now)
        if cached is not None:
            return cached
        (document,) = self.read_fresh(key)
        value = made(document) if document is not None else None
        if value is not None:
            self._cache.put(key, now + shorten(self.lifetime_s, self.choose), value)
        return value


def _values(key: str, document: Document) -> dict[str, Value]:
    return {"pk": key, "document": _encode(document)}


def _encode(document: Document) -> str:
    return json.dumps(document, sort_keys=True)


def size_bytes(document: Document) -> int:
    """Return the size of a document as it is stored."""
    return len(_encode(document).encode())


def _documents_from(items: tuple[Item | None, ...]) -> tuple[Document | None, ...]:
    return tuple(json.loads(item["document"]) if item else None for item in items)


def _keys_document(keys: KeySet) -> Document:
    return {"keys": [asdict(key) for key in keys.keys]}


def _keys_from(document: Document) -> KeySet:
    return KeySet(tuple(SigningKey(**key) for key in document["keys"]))
