"""A realm's users table, as requests use it.

`user#ID` is a user's record; `login#CANONICAL` leads from a typed identifier to the ID.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chalicelib.identifiers import spellings
from chalicelib.model.directory import LoginRecord
from chalicelib.model.storage import Item, Key, Read, Write
from chalicelib.model.user import User
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import Dynamo, Update, Value, update_write

# The fields that are stored as JSON, with the value of a missing one.
JSON_FIELDS = {"app_metadata": "{}", "user_metadata": "{}", "password_history": "[]"}
# The prefix of counters in a record: how many families a client began for this user.
_FAMILY_COUNTER = "families_of_"


def family_counter(client_id: str) -> str:
    """Return the name of a record's counter of families that a client began."""
    return _FAMILY_COUNTER + hashlib.sha256(client_id.encode()).hexdigest()[:16]


def user_key(table: str, user_id: str) -> Key:
    """Return the key of a record."""
    return Key(table, f"user#{user_id}")


def login_keys(table: str, typed: str) -> tuple[Key, ...]:
    """Return the keys that may lead from an identifier to its user: one for each spelling."""
    return tuple(Key(table, f"login#{form}") for form in spellings(typed))


def assignments(values: Mapping[str, Value]) -> str:
    """Return the SET clause that gives attributes the values of their own names with a colon."""
    return "SET " + ", ".join(f"{name} = :{name}" for name in values)


@dataclass(slots=True, eq=False, repr=False)
class UserStore:
    """The users of one realm. Every read is consistent."""

    dynamo: Dynamo
    table: str

    def user_id_of(self, typed: str, kinds: tuple[str, ...]) -> Read[str | None]:
        """Return the read of the user_id that an identifier names, if it is one of these kinds."""

        def parse(logins: tuple[Item | None, ...]) -> str | None:
            return next((login["user_id"] for login in logins if login and login["kind"] in kinds), None)

        return Read(login_keys(self.table, typed), parse)

    def locate(self, typed: str, kinds: tuple[str, ...]) -> str | None:
        """Return the user_id that an identifier names, if it is one of these kinds."""
        return self.dynamo.read(self.user_id_of(typed, kinds))

    def read_of(self, user_id: str) -> Read[User | None]:
        """Return the read of a record."""
        return Read((user_key(self.table, user_id),), lambda items: user_from(items[0]) if items[0] else None)

    def read(self, user_id: str) -> User | None:
        """Return the record of that user_id."""
        return self.dynamo.read(self.read_of(user_id))

    def login_write(self, user: User, login: LoginRecord, counter: str | None) -> Write:
        """Return the write that records a login. counter: the name of a counter that it raises by one, or None.

        Its condition fails if the password was changed or the user blocked or deleted since the record was read.
        """
        values = _login_values(user, login)
        added = ", ".join(f"{name} :one" for name in ("logins_count", counter) if name)
        named = by_placeholder(values) | {":one": 1, ":seen": user.credential_version}
        update = Update(f"{assignments(values)} ADD {added}", "credential_version = :seen", named)
        return update_write(user_key(self.table, user.user_id), update)

    def put_metadata(self, before: User, changed: dict[str, dict[str, Any]], now: int) -> None:
        """Store metadata by name; raises ConditionFailed if it has changed since `before` was read."""
        values: dict[str, Value] = {name: json.dumps(value) for name, value in changed.items()}
        values["updated_at"] = now
        seen_values: dict[str, Value] = {f"seen_{name}": json.dumps(getattr(before, name)) for name in changed}
        condition = " AND ".join(f"{name} = :seen_{name}" for name in changed)
        update = Update(assignments(values), condition, by_placeholder(values | seen_values))
        self.dynamo.update(user_key(self.table, before.user_id), update)

    def correct_count(self, user: User, counter: str, live: int) -> None:
        """Set a counter of families to the number that live, unless it changed since the record was read."""
        values = {":live": live, ":seen": user.family_counts[counter]}
        with suppress(ConditionFailed):
            update = Update(f"SET {counter} = :live", f"{counter} = :seen", values)
            self.dynamo.update(user_key(self.table, user.user_id), update)


def user_from(item: Item) -> User:
    """Return the record that an item holds."""
    counts = {name: value for name, value in item.items() if name.startswith(_FAMILY_COUNTER)}
    fields = {name: value for name, value in item.items() if name not in counts and name not in ("pk", "schema")}
    loaded = {name: json.loads(fields.get(name, absent)) for name, absent in JSON_FIELDS.items()}
    known = {"known_addresses": tuple(fields.get("known_addresses", "").split())}
    return User(**fields | loaded | known, family_counts=counts)


def by_placeholder(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return values by their own names with a colon, as `assignments` names them."""
    return {f":{name}": value for name, value in values.items()}


def _login_values(user: User, login: LoginRecord) -> dict[str, Value]:
    values: dict[str, Value] = {"last_login": login.at, "last_ip": login.source_ip}
    known = user.known_addresses_after(login.source_ip)
    renewed = {
        "known_addresses": None if known == user.known_addresses else " ".join(known),
        "password_hash": login.password_hash,
        "multifactor": login.multifactor,
    }
    return values | {name: value for name, value in renewed.items() if value is not None}
