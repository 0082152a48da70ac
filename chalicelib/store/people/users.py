"""A realm's users table, as requests use it (`items.py` says what it holds)."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chalicelib.model.directory import LoginRecord, NamedUser
from chalicelib.model.storage import Change, Item, Key, Read, Value, Write
from chalicelib.model.user import Credentials, User
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import Dynamo, update_of, update_write
from chalicelib.store.people.items import (
    credentials_from,
    credentials_key,
    is_of_version_before,
    known_addresses_text,
    login_keys,
    profile_key,
    user_from,
)
from chalicelib.store.people.upgrade import upgrade_user


@dataclass(slots=True, eq=False, repr=False)
class UserStore:
    """The users of one realm. Every read is consistent."""

    dynamo: Dynamo
    table: str

    def name_of(self, typed: str, kinds: tuple[str, ...]) -> Read[NamedUser | None]:
        """Return the read of the user whom an identifier names, if it is one of these kinds."""

        def parse(logins: tuple[Item | None, ...]) -> NamedUser | None:
            found = (login for login in logins if login and login["kind"] in kinds)
            return next((NamedUser(login["user_id"], login["kind"]) for login in found), None)

        return Read(login_keys(self.table, typed), parse)

    def locate(self, typed: str, kinds: tuple[str, ...]) -> str | None:
        """Return the user_id that an identifier names, if it is one of these kinds."""
        named = self.dynamo.read(self.name_of(typed, kinds))
        return named.user_id if named else None

    def credentials_of(self, user_id: str) -> Read[Credentials | None]:
        """Return the read of a user's credentials; None too if they are stored in the shape of the version before."""
        return Read((self.key_of(user_id),), lambda items: credentials_from(items[0]) if items[0] else None)

    def read_of(self, user_id: str) -> Read[User | None]:
        """Return the read of a user with the profile."""

        def parse(items: tuple[Item | None, ...]) -> User | None:
            credentials, profile = items
            if profile and is_of_version_before(profile):
                return user_from(profile, profile)
            return user_from(credentials, profile) if credentials and profile else None

        return Read((self.key_of(user_id), profile_key(self.table, user_id)), parse)

    def profile_of(self, user_id: str) -> Read[Item | None]:
        """Return the read of the item of a profile."""
        return Read((profile_key(self.table, user_id),), lambda items: items[0])

    def read(self, user_id: str) -> User | None:
        """Return the user of that user_id. One of the version before is brought into the present shape first."""
        user = self.dynamo.read(self.read_of(user_id))
        if user is None or not user.has_old_shape:
            return user
        upgrade_user(self.dynamo, self.table, user.attempt_counts)
        return self.dynamo.read(self.read_of(user_id))

    def login_write(self, user: Credentials, login: LoginRecord, counter: str | None) -> Write:
        """Return the write that records a login. counter: the name of a counter that it raises by one, or None.

        Its condition fails if the password was changed or the user blocked or deleted since the credentials were read.
        """
        added: dict[str, Value] = {name: 1 for name in ("logins_count", counter) if name}
        seen = Change(
            _login_values(user, login),
            added,
            conditions=("credential_version = :seen",),
            values={":seen": user.credential_version},
        )
        return update_write(self.key_of(user.user_id), update_of(seen | login.counts))

    def put_metadata(self, before: User, changed: dict[str, dict[str, Any]], now: int) -> None:
        """Store metadata by name; raises ConditionFailed if it has changed since `before` was read."""
        values: dict[str, Value] = {name: json.dumps(value) for name, value in changed.items()}
        change = Change(
            {**values, "updated_at": now},
            conditions=tuple(f"{name} = :seen_{name}" for name in changed),
            values={f":seen_{name}": json.dumps(getattr(before, name)) for name in changed},
        )
        self.dynamo.update(profile_key(self.table, before.user_id), update_of(change))

    def correct_count(self, user: Credentials, counter: str, live: int) -> None:
        """Set a counter of families to the number that live, unless it changed since the credentials were read."""
        values = {":seen": user.family_counts[counter]}
        with suppress(ConditionFailed):
            change = Change({counter: live}, conditions=(f"{counter} = :seen",), values=values)
            self.dynamo.update(self.key_of(user.user_id), update_of(change))

    def key_of(self, user_id: str) -> Key:
        """Return the key of a user's credentials, which also hold the counts of attempts at them."""
        return credentials_key(self.table, user_id)


def _login_values(user: Credentials, login: LoginRecord) -> Mapping[str, Value]:
    values: dict[str, Value] = {"last_login": login.at, "last_ip": login.source_ip}
    known = user.known_addresses_after(login.source_ip)
    renewed = {
        "known_addresses": None if known == user.known_addresses else known_addresses_text(known),
        "password_hash": login.password_hash,
        "multifactor": login.multifactor,
    }
    return values | {name: value for name, value in renewed.items() if value is not None}
