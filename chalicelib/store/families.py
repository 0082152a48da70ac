"""Refresh-token families in the sessions table: pk `families#REALM#ID`, sk `family#CLIENT-DIGEST#FAMILY`.

Each family is one item. The version before had them under pk `user#ID`, whatever the realm (docs/adr/0032).
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.account import Account
from chalicelib.model.family import FamilyKey, RefreshFamily
from chalicelib.model.storage import Item, Key, Read, Value, Write
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import UPDATE_TRIES, Dynamo, delete_write, from_item, put_write

# Where a family of the version before stands.
PREFIX_BEFORE = "user#"
_FAMILY = "family#"
_CONVERTED = ("key", "audience", "scopes", "amr", "is_of_before")
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
        key = self._key_before if family.is_of_before else self._key
        self.dynamo.delete(key(family.key, family.client_id))

    def of_user(self, account: Account, client_id: str | None = None) -> list[RefreshFamily]:
        """Return a user's families, of one client or of all; those of the version before come first."""
        values = {":sk": _FAMILY if client_id is None else _prefix(client_id)}
        pks = (PREFIX_BEFORE + account.id, _pk(account))
        condition = "pk = :pk AND begins_with(sk, :sk)"
        found = [item for pk in pks for item in self.dynamo.query(self.table, condition, values | {":pk": pk})]
        # The version before kept the families of one user_id of all realms under one key.
        return [_family_from(item) for item in found if item["realm"] == account.realm]

    def find_before(self, family_key: FamilyKey, client_id: str) -> RefreshFamily | None:
        """Return a family that the version before stored, once it stands where this one keeps it."""
        for _ in range(UPDATE_TRIES):
            item = self.dynamo.read(Read((self._key_before(family_key, client_id),), lambda items: items[0]))
            if item is None or item["realm"] != family_key.realm:
                return None
            with suppress(ConditionFailed):
                self.dynamo.commit(self.move_writes(item))
                return replace(_family_from(item), is_of_before=False)
            # Another request was faster, or the version before has used the token.
            found = self.dynamo.read(self.read_of(family_key, client_id))
            if found:
                return found
        raise TemporarilyUnavailable(reason="transact_write_items: the family kept changing")

    def move_writes(self, item: Item) -> tuple[Write, ...]:
        """Return the writes that move an item of the version before; their condition fails if it has changed."""
        family = _family_from(item)
        moved = put_write(self.table, self._values(family, item.get("expires_at", 0)), "attribute_not_exists(pk)")
        before = Key(self.table, item["pk"], item["sk"])
        return moved, delete_write(before, "current_hash = :seen", seen=family.current_hash)

    def _key(self, family_key: FamilyKey, client_id: str) -> Key:
        account = Account(family_key.realm, family_key.user_id)
        return Key(self.table, _pk(account), _prefix(client_id) + family_key.family_id)

    def _key_before(self, family_key: FamilyKey, client_id: str) -> Key:
        return Key(self.table, PREFIX_BEFORE + family_key.user_id, _prefix(client_id) + family_key.family_id)

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


def _pk(account: Account) -> str:
    # Not the prefix of before: an imported user_id may look like the key of another realm's.
    return f"families#{account.key}"


def _prefix(client_id: str) -> str:
    # A digest, as a client_id may hold the `#` that separates parts. All have one length, so none is another's prefix.
    return f"{_FAMILY}{hashlib.sha256(client_id.encode()).hexdigest()[:32]}#"


def _family_from(item: Item) -> RefreshFamily:
    family_key = FamilyKey(item["realm"], item["user_id"], item["family_id"])
    fields: dict[str, Any] = {name: item[name] for name in _FIELDS}
    scopes, amr = tuple(item["scopes"].split()), tuple(item["amr"].split())
    is_of_before = item["pk"].startswith(PREFIX_BEFORE)
    return RefreshFamily(
        key=family_key,
        audience=item["audience"] or None,
        **fields,
        scopes=scopes,
        amr=amr,
        is_of_before=is_of_before,
    )
