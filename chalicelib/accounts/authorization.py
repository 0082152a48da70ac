"""The roles and direct permissions of a realm's people: list, add and remove them, for the tools and backends."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.storage import Change
from chalicelib.model.user import Credentials, Permission, User
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.configuration.documents import Document
from chalicelib.store.dynamo import update_of
from chalicelib.store.people.items import AUTHORIZATION, authorization_text
from chalicelib.store.people.user_records import NoSuchUser, UserRecords

# Of a person's roles and direct permissions as they are stored: each login reads and writes the item around them.
MAX_AUTHORIZATION_BYTES = 2_048
# How often a change is tried if other requests change the same person meanwhile.
TRIES = 8
ROLE_ID = re.compile("rol_[0-9a-f]{16}")


class UnknownRole(Exception):
    """The stage has no role of this id."""


class UnknownPermission(Exception):
    """The stage has no API with this scope."""


class TooManyPermissions(Exception):
    """The person's roles and direct permissions would take more than MAX_AUTHORIZATION_BYTES."""


@dataclass(frozen=True, slots=True)
class Role:
    """One role of the tenant file."""

    role_id: str
    name: str
    description: str = ""
    permissions: tuple[Permission, ...] = ()


def make_role_id(name: str) -> str:
    """Return the id of the role of that name."""
    return f"rol_{hashlib.sha256(name.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class HeldPermission:
    """One permission that a person has. is_direct: without a role. roles: those that it comes from."""

    permission: Permission
    is_direct: bool
    roles: tuple[Role, ...]


@dataclass(slots=True, eq=False, repr=False)
class RoleCatalog:
    """The roles and permissions that a stage has."""

    config: ConfigStore

    def find(self, role_ids: Collection[str]) -> list[Role]:
        """Return the roles of these ids, without those that the stage does not have."""
        keys = (f"role#{role_id}" for role_id in role_ids if ROLE_ID.fullmatch(role_id))
        found = self.config.read_fresh(*keys)
        return [role_from(document) for document in found if document]

    def require(self, role_ids: Collection[str]) -> list[Role]:
        """Return the roles of these ids; raises UnknownRole."""
        roles = self.find(role_ids)
        if unknown := set(role_ids) - {role.role_id for role in roles}:
            raise UnknownRole(", ".join(sorted(unknown)))
        return roles

    def require_permission(self, permission: Permission) -> None:
        """Raise UnknownPermission unless an API has this scope."""
        api = self.config.api(permission.api)
        if api is None or permission.value not in api.scopes:
            raise UnknownPermission(f"{permission.value} of {permission.api}")


def role_from(document: Document) -> Role:
    """Return the role that a document describes."""
    permissions = tuple(Permission(one["api"], one["value"]) for one in document["permissions"])
    return Role(make_role_id(document["name"]), document["name"], document.get("description") or "", permissions)


@dataclass(slots=True, eq=False, repr=False)
class Authorizations:
    """The roles and direct permissions of the people of one realm. They count from the next login or refresh on.

    Each change raises NoSuchUser for nobody, and returns the person then. What somebody has already stays as it is,
    and so does what they lack if it is taken away.
    """

    records: UserRecords
    catalog: RoleCatalog

    def list_roles(self, user: User) -> list[Role]:
        """Return a person's roles, without those that the stage has no more."""
        return self.catalog.find([make_role_id(name) for name in user.roles])

    def list_permissions(self, user: User) -> list[HeldPermission]:
        """Return a person's permissions with where each comes from, sorted."""
        roles = self.list_roles(user)
        every = {*user.permissions, *(one for role in roles for one in role.permissions)}
        return [
            HeldPermission(one, one in user.permissions, tuple(role for role in roles if one in role.permissions))
            for one in sorted(every, key=lambda one: (one.api, one.value))
        ]

    def add_roles(self, user_id: str, role_ids: Collection[str]) -> User:
        """Give a person roles; raises UnknownRole, TooManyPermissions."""
        names = [role.name for role in self.catalog.require(role_ids)]
        return self._change(user_id, lambda user: replace(user, roles=tuple(dict.fromkeys((*user.roles, *names)))))

    def remove_roles(self, user_id: str, role_ids: Collection[str]) -> User:
        """Take roles away from a person, also those that the stage has no more."""

        def without(user: User) -> User:
            return replace(user, roles=tuple(name for name in user.roles if make_role_id(name) not in role_ids))

        return self._change(user_id, without)

    def add_permissions(self, user_id: str, permissions: Collection[Permission]) -> User:
        """Give a person direct permissions; raises UnknownPermission, TooManyPermissions."""
        for permission in permissions:
            self.catalog.require_permission(permission)

        def with_more(user: User) -> User:
            return replace(user, permissions=tuple(dict.fromkeys((*user.permissions, *permissions))))

        return self._change(user_id, with_more)

    def remove_permissions(self, user_id: str, permissions: Collection[Permission]) -> User:
        """Take direct permissions away from a person, also those that the stage has no more."""

        def without(user: User) -> User:
            return replace(user, permissions=tuple(one for one in user.permissions if one not in permissions))

        return self._change(user_id, without)

    def find_holders(self, role_name: str) -> Iterator[User]:
        """Return the people who have a role: a scan."""
        return (user for user in self.records.all() if role_name in user.roles)

    def _change(self, user_id: str, make: Callable[[User], User]) -> User:
        """Store what `make` returns, under the condition that nothing was changed since it was read."""
        for _ in range(TRIES):
            before = self.records.users.read(user_id)
            if before is None:
                raise NoSuchUser(user_id)
            after = make(before)
            if authorization_text(after) == authorization_text(before):
                return before
            try:
                self._store(before, after)
            except ConditionFailed:
                continue
            return after
        raise TemporarilyUnavailable(reason="update_item: the roles kept changing")

    def _store(self, before: Credentials, after: Credentials) -> None:
        seen, wanted = authorization_text(before), authorization_text(after)
        if len(wanted.encode()) > max(MAX_AUTHORIZATION_BYTES, len(seen.encode()) - 1):
            raise TooManyPermissions
        as_seen = f"{AUTHORIZATION} = :seen" if seen else f"attribute_not_exists({AUTHORIZATION})"
        change = Change(
            {AUTHORIZATION: wanted} if wanted else {},
            remove=() if wanted else (AUTHORIZATION,),
            conditions=("attribute_exists(pk)", as_seen),
            values={":seen": seen} if seen else {},
        )
        self.records.dynamo.update(self.records.users.key_of(before.user_id), update_of(change))
