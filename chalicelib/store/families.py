"""Refresh-token families in the sessions table: pk `user#ID`, sk `family#CLIENT-DIGEST#FAMILY`, one item each."""

import hashlib
from dataclasses import dataclass
from typing import Any

from chalicelib.model.family import FamilyKey, RefreshFamily
from chalicelib.model.storage import Item, Key, Read, Write
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import Dynamo, Value, from_item, put_write

_FAMILY = "family#"
_CONVERTED = ("key", "audience", "scopes", "amr")
# The fields that are stored as they are.
_FIELDS = tuple(name for name in RefreshFamily.__dataclass_fields__ if name not in _CONVERTED)


@dataclass(slots=True, eq=False, repr=False)
class FamilyStore:
    """The families of one stage. Every read is consistent; a rotation is one conditional write."""

    dynamo: Dynamo
    table: str

    def read_of(self, family_key: FamilyKey, client_id: str) -> Read[RefreshFamily | None]:
        """Return the read of a client's family."""
        key = self._key(family_key, client_id)
        return Read((key,), lambda items: _family_from(items[0]) if items[0] else None)

    def begin_write(self, family: RefreshFamily, expires_at: int) -> Write:
        """Return the write of a new family. expires_at: when TTL may sweep it, 0 for never."""
        return put_write(self.table, self._values(family, expires_at))

    def replace(self, before: RefreshFamily, after: RefreshFamily, expires_at: int) -> RefreshFamily | None:
        """Write a family's next state and return None; if its current token has changed, return the stored family.

        Raises ConditionFailed if the family has ended.
        """
        try:
            values = self._values(after, expires_at)
            self.dynamo.put_if(self.table, values, "current_hash = :seen", seen=before.current_hash)
        except ConditionFailed as failure:
            if failure.item is None:
                raise
            return _family_from(from_item(failure.item))
        return None

    def end(self, family: RefreshFamily) -> None:
        """End a family, whatever its current state."""
        self.dynamo.delete(self._key(family.key, family.client_id))

    def of_user(self, user_id: str, client_id: str | None = None) -> list[RefreshFamily]:
        """Return the families of a user_id in all realms, of one client or of all."""
        values = {":pk": f"user#{user_id}", ":sk": _FAMILY if client_id is None else _prefix(client_id)}
        found = self.dynamo.query(self.table, "pk = :pk AND begins_with(sk, :sk)", values)
        return list(map(_family_from, found))

    def _key(self, family_key: FamilyKey, client_id: str) -> Key:
        return Key(self.table, f"user#{family_key.user_id}", _prefix(client_id) + family_key.family_id)

    def _values(self, family: RefreshFamily, expires_at: int) -> dict[str, Value]:
        key, family_key = self._key(family.key, family.client_id), family.key
        values: dict[str, Value] = {
            "pk": key.pk,
            "sk": key.sk,
            "realm": family_key.realm,
            "user_id": family_key.user_id,
            "family_id": family_key.family_id,
            "audience": family.audience or "",
            "scopes": " ".join(family.scopes),
            "amr": " ".join(family.amr),
        }
        values |= {name: getattr(family, name) for name in _FIELDS}
        return values | ({"expires_at": expires_at} if expires_at else {})


def _prefix(client_id: str) -> str:
    # A digest, as a client_id may hold the `#` that separates parts. All have one length, so none is another's prefix.
    return f"{_FAMILY}{hashlib.sha256(client_id.encode()).hexdigest()[:32]}#"


def _family_from(item: Item) -> RefreshFamily:
    family_key = FamilyKey(item["realm"], item["user_id"], item["family_id"])
    fields: dict[str, Any] = {name: item[name] for name in _FIELDS}
    scopes, amr = tuple(item["scopes"].split()), tuple(item["amr"].split())
    return RefreshFamily(key=family_key, audience=item["audience"] or None, **fields, scopes=scopes, amr=amr)
