"""A realm's users table: `user#ID` is the record, `login#CANONICAL` leads from what a person types to the ID."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.identifiers import canonical, spellings
from chalicelib.model.storage import Item, Key, Read
from chalicelib.model.user import User
from chalicelib.store.aws import ConditionFailed, call
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.items import Value, from_item, to_attribute, to_item
from chalicelib.store.transactions import Write, commit

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

# What is kept as JSON, and what stands for its absence.
_JSON = {"app_metadata": "{}", "user_metadata": "{}", "password_history": "[]"}
# What the names of the counters begin with that say how many families a client began for this person.
FAMILY_COUNTER = "families_of_"
# What a User holds that is no attribute of the record, or several of them.
NO_ATTRIBUTES = ("family_counts", "revocations")
# How often metadata may change under the rules' hands before that is given up.
KEEP_TRIES = 4
# How many items the tools read in one call: a page of DynamoDB's own size takes long on a slow link.
PAGE = 200


class IdentifierTaken(Exception):
    """Somebody of this realm has the username, the email or the user_id already."""


class NoSuchUser(Exception):
    """Nobody of this realm has this user_id."""


@dataclass(frozen=True, slots=True)
class UserStore:
    """The users of one realm. Every read is consistent; identifiers are unique because each has an item of its own."""

    dynamodb: "DynamoDBClient"
    table: str

    def locate(self, typed: str, kinds: tuple[str, ...]) -> str | None:
        """Return the user_id of whom this identifier names, if it is one of these kinds."""
        return Dynamo(self.dynamodb).read(self.user_id_of(typed, kinds))

    def user_id_of(self, typed: str, kinds: tuple[str, ...]) -> Read[str | None]:
        """Return the read of the user_id that an identifier names, if it is one of these kinds."""
        keys = tuple(Key(self.table, f"login#{form}") for form in spellings(typed))
        return Read(keys, lambda items: next(filter(None, (_user_id(item, kinds) for item in items)), None))

    def read(self, user_id: str) -> User | None:
        """Return the record of that user_id."""
        return Dynamo(self.dynamodb).read(self.read_of(user_id))

    def read_of(self, user_id: str) -> Read[User | None]:
        """Return the read of the record of that user_id."""
        return Read((Key(self.table, f"user#{user_id}"),), lambda items: user_from(items[0]) if items[0] else None)

    def create(self, user: User) -> None:
        """Write a new record and its identifiers at once; raises IdentifierTaken."""
        # Nobody is stored under a former spelling any more: what this read does not find will not be there later.
        if any(self.locate(name, (kind,)) for kind, name in _names(user) if len(spellings(name)) > 1):
            raise IdentifierTaken
        items = [_to_item(user), *(_login_item(user, kind, name) for kind, name in _identifiers(user))]
        try:
            commit(self.dynamodb, tuple(self._put_new(item) for item in items))
        except ConditionFailed:
            raise IdentifierTaken from None

    def set_password_hash(self, user_id: str, hashes: list[str], now: int, ends_families: bool) -> None:
        """Store a new password's hash, and end logins under way and, if asked, refresh tokens; raises NoSuchUser.

        hashes: the new one, then those of earlier passwords that are remembered.
        """
        password_hash, *history = hashes
        values: dict[str, Value] = {"password_hash": password_hash, "password_history": json.dumps(history)}
        raised = ("password_version", *(("families_version",) if ends_families else ()))
        self._change(user_id, now, values | {"last_password_reset": now}, *raised)

    def set_blocked(self, user_id: str, blocked: bool, now: int) -> None:
        """Block, ending all that the person has, or unblock; raises NoSuchUser."""
        self._change(user_id, now, {"blocked": blocked}, *(("families_version",) if blocked else ()))

    def end_families(self, user_id: str, now: int) -> None:
        """End all refresh tokens of the person at once; raises NoSuchUser."""
        self._change(user_id, now, {}, "families_version")

    def end_logins(self, user_id: str, now: int) -> None:
        """End the person's logins under way and access tokens of the MFA API; raises NoSuchUser."""
        self._change(user_id, now, {})

    def keep_metadata(self, user: User, changed: dict[str, dict[str, Any]], now: int) -> None:
        """Store what rules made of a record's metadata, in one write.

        Where the record has changed since it was read, only the first-level members that the rules changed are.
        """
        seen, wanted = user, changed
        for _ in range(KEEP_TRIES):
            try:
                return self._put_metadata(seen, wanted, now)
            except ConditionFailed:
                found = self.read(user.user_id)
                if found is None:
                    return None
                seen = found
                wanted = {name: _merged(getattr(user, name), new, getattr(seen, name)) for name, new in changed.items()}
        raise TemporarilyUnavailable(reason="update_item: the metadata would not stand still")

    def correct_count(self, user: User, counter: str, live: int) -> None:
        """Set a counter of families to what lives, unless it has moved on since the record was read."""
        with suppress(ConditionFailed):
            call(
                self.dynamodb.update_item,
                TableName=self.table,
                Key=to_item({"pk": f"user#{user.user_id}"}),
                UpdateExpression=f"SET {counter} = :live",
                ConditionExpression=f"{counter} = :seen",
                ExpressionAttributeValues=to_item({":live": live, ":seen": user.family_counts[counter]}),
            )

    def delete(self, user: User) -> None:
        """Delete the record, its identifiers and its second factors at once."""
        keys = [f"user#{user.user_id}", f"mfa#{user.user_id}", *self._login_keys(user)]
        commit(
            self.dynamodb,
            tuple({"Delete": {"TableName": self.table, "Key": to_item({"pk": key})}} for key in keys),
        )

    def all(self) -> Iterator[User]:
        """Return everybody, for the tools: a scan, on no request path."""
        for page in self.dynamodb.get_paginator("scan").paginate(
            TableName=self.table, ConsistentRead=True, PaginationConfig={"PageSize": PAGE}
        ):
            for item in page["Items"]:
                if item["pk"]["S"].startswith("user#"):
                    yield user_from(from_item(item))

    def login_write(self, user: User, values: dict[str, Value], counts: dict[str, int]) -> Write:
        """Return the write that records a login: attributes set, and numbers added to.

        Its condition fails where the password was changed or the user blocked or deleted since the record was read.
        """
        added = ", ".join(f"{name} :{name}" for name in counts)
        named = {f":{name}": value for name, value in (values | counts).items()}
        return {
            "Update": {
                "TableName": self.table,
                "Key": to_item({"pk": f"user#{user.user_id}"}),
                "UpdateExpression": f"SET {_assignments(values)} ADD {added}",
                "ConditionExpression": "credential_version = :seen",
                "ExpressionAttributeValues": to_item(named | {":seen": user.credential_version}),
            }
        }

    def _put_metadata(self, seen: User, wanted: dict[str, dict[str, Any]], now: int) -> None:
        values: dict[str, Value] = {name: json.dumps(value) for name, value in wanted.items()}
        values["updated_at"] = now
        seen_values: dict[str, Value] = {f"seen_{name}": json.dumps(getattr(seen, name)) for name in wanted}
        call(
            self.dynamodb.update_item,
            TableName=self.table,
            Key=to_item({"pk": f"user#{seen.user_id}"}),
            UpdateExpression=f"SET {_assignments(values)}",
            ConditionExpression=" AND ".join(f"{name} = :seen_{name}" for name in wanted),
            ExpressionAttributeValues=to_item({f":{name}": value for name, value in (values | seen_values).items()}),
        )

    def _login_keys(self, user: User) -> list[str]:
        """Return the keys of the person's identifiers; a spelling of theirs may be somebody else's by now."""
        forms = dict.fromkeys(form for _, name in _names(user) for form in spellings(name))
        keys = tuple(Key(self.table, f"login#{form}") for form in forms)
        found = Dynamo(self.dynamodb).read(Read(keys, lambda items: items))
        return [login["pk"] for login in found if login and login["user_id"] == user.user_id]

    def _put_new(self, item: dict[str, Any]) -> Write:
        return {"Put": {"TableName": self.table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}

    def _change(self, user_id: str, now: int, values: dict[str, Value], *raised: str) -> None:
        """Set attributes of a record. raised: versions that go up by one, beside that of the credentials."""
        values = values | {"updated_at": now}
        counts = {":one": 1} | {f":{name}": value for name, value in values.items()}
        try:
            call(
                self.dynamodb.update_item,
                TableName=self.table,
                Key=to_item({"pk": f"user#{user_id}"}),
                UpdateExpression=f"SET {_assignments(values)} ADD "
                + ", ".join(f"{name} :one" for name in ("credential_version", *raised)),
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues=to_item(counts),
            )
        except ConditionFailed:
            raise NoSuchUser(user_id) from None


def _assignments(values: dict[str, Value]) -> str:
    return ", ".join(f"{name} = :{name}" for name in values)


def _merged(before: dict[str, Any], after: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Return what stands now with the members changed that differ between before and after."""
    kept = {name: value for name, value in now.items() if name in after or name not in before}
    return kept | {name: value for name, value in after.items() if name not in before or before[name] != value}


def _user_id(login: Item | None, kinds: tuple[str, ...]) -> str | None:
    return login["user_id"] if login and login["kind"] in kinds else None


def _names(user: User) -> list[tuple[str, str]]:
    return [(kind, name) for kind, name in (("username", user.username), ("email", user.email)) if name]


def _identifiers(user: User) -> list[tuple[str, str]]:
    return [(kind, canonical(name)) for kind, name in _names(user)]


def _login_item(user: User, kind: str, identifier: str) -> dict[str, Any]:
    return to_item({"pk": f"login#{identifier}", "user_id": user.user_id, "kind": kind})


def _to_item(user: User) -> dict[str, Any]:
    values = {name: value for name, value in asdict(user).items() if name not in NO_ATTRIBUTES}
    values["known_addresses"] = " ".join(user.known_addresses)
    texts = {name: json.dumps(values.pop(name)) for name in _JSON}
    return to_item({"pk": f"user#{user.user_id}"} | values) | {name: to_attribute(text) for name, text in texts.items()}


def user_from(values: Item) -> User:
    """Return the record from the plain values of its item."""
    counts = {name: value for name, value in values.items() if name.startswith(FAMILY_COUNTER)}
    fields = {name: value for name, value in values.items() if name not in counts and name != "pk"}
    loaded = {name: json.loads(fields.get(name, absent)) for name, absent in _JSON.items()}
    known = {"known_addresses": tuple(fields.get("known_addresses", "").split())}
    return User(**fields | loaded | known, family_counts=counts)
