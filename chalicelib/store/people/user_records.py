"""A realm's users table as the tools and the flows of accounts use it: make, list, change and delete users."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.identifiers import spellings
from chalicelib.model.storage import Change, Item, Key, Read, Value, Write
from chalicelib.model.user import User
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import Dynamo, delete_write, put_write, update_of, update_write
from chalicelib.store.people.counts import count_write
from chalicelib.store.people.items import (
    credentials_key,
    is_of_version_before,
    items_of_new,
    known_addresses_text,
    login_keys,
    profile_key,
    user_from,
)
from chalicelib.store.people.users import UserStore

# How often a deletion is tried if other requests change the identifiers meanwhile.
TRIES = 8
# How many items the tools read in one call: a full page of DynamoDB takes long on a slow link.
PAGE = 200


class IdentifierTaken(Exception):
    """Another user of this realm has the username, the email or the user_id already."""


class NoSuchUser(Exception):
    """No user of this realm has this user_id."""


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that replaces another. former: the hashes of earlier ones that are remembered, the latest first.

    ends_families: whether refresh tokens end too. known_addresses: the user's from now on, the latest first.
    verifies: whether the email is verified by this.
    """

    password_hash: str = field(repr=False)
    former: tuple[str, ...] = field(repr=False)
    ends_families: bool
    known_addresses: tuple[str, ...]
    verifies: bool = True


@dataclass(slots=True, eq=False, repr=False)
class UserRecords:
    """The users of one realm. Identifiers are unique because each has an item of its own."""

    dynamo: Dynamo
    table: str

    @property
    def users(self) -> UserStore:
        """The same table, as requests read it."""
        return UserStore(self.dynamo, self.table)

    def create(self, user: User, *others: Write) -> None:
        """Write a new user and their identifiers at once, with other writes; raises IdentifierTaken if one fails."""
        # New users are never stored under a former spelling, so none can appear after this read.
        if any(self.users.locate(name, (kind,)) for kind, name in _names(user) if len(spellings(name)) > 1):
            raise IdentifierTaken
        try:
            made = tuple(put_write(self.table, item, "attribute_not_exists(pk)") for item in items_of_new(user))
            self.dynamo.commit((*made, count_write(self.table, user.user_id, 1), *others))
        except ConditionFailed:
            raise IdentifierTaken from None

    def all(self) -> Iterator[User]:
        """Return every user: a scan. A user's two items come apart, so the first waits for the second."""
        waiting: dict[str, Item] = {}
        for item in self.dynamo.scan(self.table, ConsistentRead=True, Limit=PAGE):
            kind, _, user_id = item["pk"].partition("#")
            if kind == "user" and is_of_version_before(item):
                yield user_from(item, item)
            elif kind in ("user", "cred"):
                other = waiting.pop(user_id, None)
                if other is None:
                    waiting[user_id] = item
                else:
                    yield user_from(item, other) if kind == "cred" else user_from(other, item)

    def delete(self, user: User) -> None:
        """Delete the user, their identifiers and their second factors at once. Who is gone already stays so.

        Raises TemporarilyUnavailable if the identifiers keep changing.
        """
        seen: User | None = user
        for _ in range(TRIES):
            if seen is None:
                return
            with suppress(ConditionFailed):
                self.dynamo.commit(self._delete_writes(seen))
                return
            seen = self.users.read(user.user_id)
        if seen:
            raise TemporarilyUnavailable(reason="transact_write_items: the identifiers kept changing")

    def set_password_hash(self, user_id: str, hashes: list[str], now: int, ends_families: bool, *others: Write) -> None:
        """Store a new password's hash, with other writes, and end the user's pending logins; raises NoSuchUser.

        hashes: the new one, then those of earlier passwords that are remembered. ends_families: whether refresh tokens
        end too.
        """
        password_hash, *history = hashes
        raised = ("password_version", *(("families_version",) if ends_families else ()))
        values: dict[str, Value] = {"password_hash": password_hash, "last_password_reset": now}
        profile: dict[str, Value] = {"password_history": json.dumps(history)}
        self._change(user_id, now, (values, profile), *raised, others=others)

    def reset_writes(self, before: User, new: NewPassword, now: int) -> tuple[Write, ...]:
        """Return the writes of a new password that its user set by a ticket of the email that they have.

        Pending logins end. The condition fails if the credentials have changed since the user was read.
        """
        raised = ("credential_version", "password_version", *(("families_version",) if new.ends_families else ()))
        credentials = Change(
            {
                "password_hash": new.password_hash,
                "last_password_reset": now,
                "known_addresses": known_addresses_text(new.known_addresses),
            },
            dict.fromkeys(raised, 1),
            conditions=("credential_version = :seen",),
            values={":seen": before.credential_version},
        )
        history = Change({"password_history": json.dumps(new.former)})
        return (
            update_write(credentials_key(self.table, before.user_id), update_of(credentials)),
            self._email_write(before, now, history, {"email_verified": True} if new.verifies else {}),
        )

    def verification_writes(self, before: User, now: int) -> tuple[Write, ...]:
        """Return the writes that verify the user's email; the condition fails if it is another one by now."""
        return (self._email_write(before, now, Change(), {"email_verified": True}),)

    def set_blocked(self, user_id: str, blocked: bool, now: int) -> None:
        """Block a user and end their pending logins and tokens, or unblock them; raises NoSuchUser."""
        self._change(user_id, now, ({"blocked": blocked}, {}), *(("families_version",) if blocked else ()))

    def end_families(self, user_id: str, now: int) -> None:
        """End all refresh tokens of the user at once; raises NoSuchUser."""
        self._change(user_id, now, ({}, {}), "families_version")

    def end_logins(self, user_id: str, now: int) -> None:
        """End the user's pending logins and access tokens of the MFA API; raises NoSuchUser."""
        self._change(user_id, now, ({}, {}))

    def _delete_writes(self, user: User) -> tuple[Write, ...]:
        """Return the writes that delete a user; the condition fails if the user is gone or an identifier is another."""
        own = credentials_key(self.table, user.user_id), Key(self.table, f"mfa#{user.user_id}")
        others = map(delete_write, (*own, *self._login_keys(user)))
        # Two at once would count twice without this condition, and an identifier that is new would stay taken for ever.
        condition = "attribute_exists(pk) AND email = :email AND username = :username"
        values: dict[str, Value] = {"email": user.email, "username": user.username}
        profile = delete_write(profile_key(self.table, user.user_id), condition, **values)
        return (profile, *others, count_write(self.table, user.user_id, -1))

    def _email_write(self, before: User, now: int, more: Change, values: dict[str, Value]) -> Write:
        """Return the write of values in a profile whose email must still be the one of before."""
        change = Change(
            {**values, "updated_at": now},
            conditions=("email = :email",),
            values={":email": before.email},
        )
        return update_write(profile_key(self.table, before.user_id), update_of(change | more))

    def _login_keys(self, user: User) -> list[Key]:
        """Return the keys of the user's identifiers, without a spelling that another user has by now."""
        keys = tuple(dict.fromkeys(key for _, name in _names(user) for key in login_keys(self.table, name)))
        found = self.dynamo.read(Read(keys, lambda logins: logins))
        return [key for key, login in zip(keys, found, strict=True) if login and login["user_id"] == user.user_id]

    def _change(
        self,
        user_id: str,
        now: int,
        values: tuple[dict[str, Value], dict[str, Value]],
        *raised: str,
        others: tuple[Write, ...] = (),
    ) -> None:
        """Set attributes of the credentials and of the profile at once, with other writes.

        raised: versions that go up by one, beside that of the credentials.
        """
        own, profile = values
        added: dict[str, Value] = dict.fromkeys(("credential_version", *raised), 1)
        changes = {
            credentials_key(self.table, user_id): Change(own, added, conditions=("attribute_exists(pk)",)),
            profile_key(self.table, user_id): Change(
                {**profile, "updated_at": now}, conditions=("attribute_exists(pk)",)
            ),
        }
        writes = (*(update_write(key, update_of(change)) for key, change in changes.items()), *others)
        try:
            self.dynamo.commit(writes)
        except ConditionFailed:
            if self.users.read(user_id) is None:
                raise NoSuchUser(user_id) from None
            # The user was of the version before, and is not any more.
            self.dynamo.commit(writes)


def _names(user: User) -> list[tuple[str, str]]:
    return [(kind, name) for kind, name in (("username", user.username), ("email", user.email)) if name]
