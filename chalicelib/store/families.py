"""Refresh-token families in the sessions table: pk `user#ID`, sk `family#CLIENT-DIGEST#FAMILY`, one item each."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.model.family import Locator, RefreshFamily
from chalicelib.model.storage import Item, Key, Read
from chalicelib.store.aws import ConditionFailed, call
from chalicelib.store.items import Value, from_item, to_item
from chalicelib.store.transactions import Write

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_LISTS = ("scopes", "amr")


@dataclass(frozen=True, slots=True)
class FamilyStore:
    """The families of one stage. Every read is consistent; a rotation is one conditional write."""

    dynamodb: "DynamoDBClient"
    table: str

    def read_of(self, locator: Locator, client_id: str) -> Read[RefreshFamily | None]:
        """Return the read of a client's family."""
        key = Key(self.table, *_keys(locator.user_id, client_id, locator.family_id))
        return Read((key,), lambda items: family_from(items[0]) if items[0] else None)

    def begin_write(self, family: RefreshFamily, expires_at: int) -> Write:
        """Return the write of a new family. expires_at: when TTL may sweep it, 0 for never."""
        return {"Put": {"TableName": self.table, "Item": _to_item(family, expires_at)}}

    def replace(self, before: RefreshFamily, after: RefreshFamily, expires_at: int) -> RefreshFamily | None:
        """Write a family's next state if its current token is still the same; return None then, else what stands there.

        Raises ConditionFailed where the family has ended.
        """
        try:
            call(
                self.dynamodb.put_item,
                TableName=self.table,
                Item=_to_item(after, expires_at),
                ConditionExpression="current_hash = :seen",
                ExpressionAttributeValues=to_item({":seen": before.current_hash}),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailed as failure:
            if failure.item is None:
                raise
            return family_from(from_item(failure.item))
        return None

    def end(self, family: RefreshFamily) -> None:
        """End a family, whatever state it is in by now."""
        key = _key(family.locator.user_id, family.client_id, family.locator.family_id)
        call(self.dynamodb.delete_item, TableName=self.table, Key=key)

    def of_user(self, user_id: str, client_id: str = "") -> Iterator[RefreshFamily]:
        """Return the families of a user_id, of one client or of all, in whichever realm that person is."""
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues=to_item(
                {":pk": f"user#{user_id}", ":sk": _prefix(client_id) if client_id else "family#"}
            ),
            ConsistentRead=True,
        )

        def query() -> list[Any]:
            return [item for page in pages for item in page["Items"]]

        yield from (family_from(from_item(item)) for item in call(query))


def _key(user_id: str, client_id: str, family_id: str) -> dict[str, Any]:
    pk, sk = _keys(user_id, client_id, family_id)
    return to_item({"pk": pk, "sk": sk})


def _keys(user_id: str, client_id: str, family_id: str) -> tuple[str, str]:
    return f"user#{user_id}", _prefix(client_id) + family_id


def _prefix(client_id: str) -> str:
    # A digest, as a client_id may hold what parts the key; all have one length, so none begins another's.
    return f"family#{hashlib.sha256(client_id.encode()).hexdigest()[:32]}#"


def _to_item(family: RefreshFamily, expires_at: int) -> dict[str, Any]:
    locator = family.locator
    values: dict[str, Value] = {
        "realm": locator.realm,
        "user_id": locator.user_id,
        "family_id": locator.family_id,
        "scopes": " ".join(family.scopes),
        "amr": " ".join(family.amr),
    }
    for name in RefreshFamily.__dataclass_fields__:
        if name not in ("locator", *_LISTS):
            values[name] = getattr(family, name)
    ttl = {"expires_at": expires_at} if expires_at else {}
    return _key(locator.user_id, family.client_id, locator.family_id) | to_item(values | ttl)


def family_from(values: Item) -> RefreshFamily:
    """Return a family from the plain values of its item."""
    locator = Locator(values["realm"], values["user_id"], values["family_id"])
    fields: dict[str, Any] = {
        name: values[name] for name in RefreshFamily.__dataclass_fields__ if name not in ("locator", *_LISTS)
    }
    return RefreshFamily(
        locator=locator, **fields, scopes=tuple(values["scopes"].split()), amr=tuple(values["amr"].split())
    )
