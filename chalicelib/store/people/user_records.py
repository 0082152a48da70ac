"""A realm's users table as the tools and the flows of accounts use it: make, list, change and delete records."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from chalicelib.identifiers import canonical, spellings
from chalicelib.model.storage import Key, Read, Write
from chalicelib.model.user import User
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import Dynamo, Update, Value, delete_write, put_write, update_write
from chalicelib.store.people.users import (
    JSON_FIELDS,
    UserStore,
    assignments,
    by_placeholder,
    login_keys,
    user_from,
    user_key,
)

# The fields of a User that are no attribute of the record, or several.
_NO_ATTRIBUTES = ("family_counts", "revocations")
# How many items the tools read in one call: a full page of DynamoDB takes long on a slow link.
PAGE = 200


class IdentifierTaken(Exception):
    """Another user of this realm has the username, the email or the user_id already."""


class NoSuchUser(Exception):
    """No user of this realm has this user_id."""


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that replaces another. former: the hashes of earlier ones that are remembered, the latest first.

    ends_families: whether refresh tokens end too.
    """

    password_hash: str = field(repr=False)
    former: tuple[str, ...] = field(repr=False)
    ends_families: bool


@dataclass(slots=True, eq=False, repr=False)
class UserRecords:
    """The records of one realm. Identifiers are unique because each has an item of its own."""

    dynamo: Dynamo
    table: str

    @property
    def users(self) -> UserStore:
        """The same table, as requests read it."""
        return UserStore(self.dynamo, self.table)

    def create(self, user: User, *others: Write) -> None:
        """Write a new record and its identifiers at once, with other writes; raises IdentifierTaken if one fails."""
        # New users are never stored under a former spelling, so none can appear after this read.
        if any(self.users.locate(name, (kind,)) for kind, name in _names(user) if len(spellings(name)) > 1):
            raise IdentifierTaken
        items = [_values(user), *(_login_values(user, kind, name) for kind, name in _names(user))]
        try:
            made = tuple(put_write(self.table, item, "attribute_not_exists(pk)") for item in items)
            self.dynamo.commit((*made, *others))
        except ConditionFailed:
            raise IdentifierTaken from None

    def all(self) -> Iterator[User]:
        """Return every user: a scan."""
        for item in self.dynamo.scan(self.table, ConsistentRead=True, Limit=PAGE):
            if item["pk"].startswith("user#"):
                yield user_from(item)

    def delete(self, user: User) -> None:
        """Delete the record, its identifiers and its second factors at once."""
        keys = (user_key(self.table, user.user_id), Key(self.table, f"mfa#{user.user_id}"), *self._login_keys(user))
        self.dynamo.commit(tuple(map(delete_write, keys)))

    def set_password_hash(self, user_id: str, hashes: list[str], now: int, ends_families: bool) -> None:
        """Store a new password's hash, and end the user's pending logins; raises NoSuchUser.

        hashes: the new one, then those of earlier passwords that are remembered. ends_families: whether refresh tokens
        end too.
        """
        password_hash, *history = hashes
        values: dict[str, Value] = {"password_hash": password_hash, "password_history": json.dumps(history)}
        raised = ("password_version", *(("families_version",) if ends_families else ()))
        self._change(user_id, now, values | {"last_password_reset": now}, *raised)

    def reset_writes(self, before: User, new: NewPassword, now: int) -> tuple[Write, ...]:
        """Return the writes of a new password that its user set by an email, which is verified by this.

        Pending logins end. The condition fails if the credentials have changed since the user was read.
        """
        values: dict[str, Value] = {"password_hash": new.password_hash, "password_history": json.dumps(new.former)}
        values.update(last_password_reset=now, email_verified=True, updated_at=now)
        raised = ("credential_version", "password_version", *(("families_version",) if new.ends_families else ()))
        named: dict[str, Value] = {":one": 1, ":seen": before.credential_version, ":email": before.email}
        change = Update(
            f"{assignments(values)} ADD {', '.join(f'{name} :one' for name in raised)}",
            "credential_version = :seen AND email = :email",
            named | by_placeholder(values),
        )
        return (update_write(user_key(self.table, before.user_id), change),)

    def verification_writes(self, before: User, now: int) -> tuple[Write, ...]:
        """Return the writes that verify the user's email; the condition fails if it is another one by now."""
        values: dict[str, Value] = {":email_verified": True, ":updated_at": now, ":email": before.email}
        change = Update("SET email_verified = :email_verified, updated_at = :updated_at", "email = :email", values)
        return (update_write(user_key(self.table, before.user_id), change),)

    def set_blocked(self, user_id: str, blocked: bool, now: int) -> None:
        """Block a user and end their pending logins and tokens, or unblock them; raises NoSuchUser."""
        self._change(user_id, now, {"blocked": blocked}, *(("families_version",) if blocked else ()))

    def end_families(self, user_id: str, now: int) -> None:
        """End all refresh tokens of the user at once; raises NoSuchUser."""
        self._change(user_id, now, {}, "families_version")

    def end_logins(self, user_id: str, now: int) -> None:
        """End the user's pending logins and access tokens of the MFA API; raises NoSuchUser."""
        self._change(user_id, now, {})

    def _login_keys(self, user: User) -> list[Key]:
        """Return the keys of the user's identifiers, without a spelling that another user has by now."""
        keys = tuple(dict.fromkeys(key for _, name in _names(user) for key in login_keys(self.table, name)))
        found = self.dynamo.read(Read(keys, lambda logins: logins))
        return [key for key, login in zip(keys, found, strict=True) if login and login["user_id"] == user.user_id]

    def _change(self, user_id: str, now: int, values: dict[str, Value], *raised: str) -> None:
        """Set attributes of a record. raised: versions that go up by one, beside that of the credentials."""
        values = values | {"updated_at": now}
        named: dict[str, Value] = {":one": 1, **{f":{name}": value for name, value in values.items()}}
        added = ", ".join(f"{name} :one" for name in ("credential_version", *raised))
        update = Update(f"{assignments(values)} ADD {added}", "attribute_exists(pk)", named)
        try:
            self.dynamo.update(user_key(self.table, user_id), update)
        except ConditionFailed:
            raise NoSuchUser(user_id) from None


def _names(user: User) -> list[tuple[str, str]]:
    return [(kind, name) for kind, name in (("username", user.username), ("email", user.email)) if name]


def _login_values(user: User, kind: str, name: str) -> dict[str, Value]:
    return {"pk": f"login#{canonical(name)}", "user_id": user.user_id, "kind": kind}


def _values(user: User) -> dict[str, Value]:
    values = {name: value for name, value in asdict(user).items() if name not in _NO_ATTRIBUTES}
    values["known_addresses"] = " ".join(user.known_addresses)
    texts = {name: json.dumps(values[name]) for name in JSON_FIELDS}
    return {"pk": f"user#{user.user_id}"} | values | texts
