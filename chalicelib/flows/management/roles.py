"""Roles and permissions in the Management API: those of the tenant file are read, those of people changed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from chalicelib.accounts.authorization import (
    Authorizations,
    Role,
    TooManyPermissions,
    UnknownPermission,
    UnknownRole,
    make_role_id,
    role_from,
)
from chalicelib.errors import InexistentUser, InvalidBody, InvalidQueryString, NotFound
from chalicelib.flows.management.admission import ManagementAdmission, note_change, note_user
from chalicelib.flows.management.bodies import Body, read_body
from chalicelib.flows.management.configuration import Catalog
from chalicelib.flows.management.paging import read_page
from chalicelib.flows.management.people import PeopleFinder, Person
from chalicelib.model.request import Request
from chalicelib.model.tenant import Realm
from chalicelib.model.user import Permission
from chalicelib.store.people.user_records import NoSuchUser

Answer = dict[str, Any] | list[Any]
READ, UPDATE = "read:users", "update:users"


class RoleIds(Body):
    """The body that names roles by their ids."""

    roles: list[str] = Field(min_length=1, max_length=50)


class PermissionName(Body):
    """One permission, by Auth0's names of its API and scope."""

    resource_server_identifier: str
    permission_name: str


class Permissions(Body):
    """The body that names permissions."""

    permissions: list[PermissionName] = Field(min_length=1, max_length=50)


class Members(Body):
    """The body that names people by their ids."""

    users: list[str] = Field(min_length=1, max_length=10)


@dataclass(slots=True, eq=False, repr=False)
class RolesFlow:
    """Answers for roles and permissions. authorizations_of: returns those of a realm's people."""

    admission: ManagementAdmission
    finder: PeopleFinder
    catalog: Catalog
    authorizations_of: Callable[[Realm], Authorizations]

    def list_roles(self, request: Request) -> Answer:
        """Return the roles of the tenant file; `name_filter` of the query names a part of their names."""
        self.admission.admit(request, "read:roles")
        wanted = request.query.get("name_filter", "")
        roles = [role for role in self._roles() if wanted in role.name]
        return read_page(request.query).show_of("roles", roles, lambda role: role.name, _role)

    def show(self, request: Request) -> dict[str, Any]:
        """Return one role; raises NotFound."""
        self.admission.admit(request, "read:roles")
        return _role(self._role(request))

    def list_permissions(self, request: Request) -> Answer:
        """Return the permissions of one role; raises NotFound."""
        self.admission.admit(request, "read:roles")
        permissions = self._role(request).permissions
        return read_page(request.query).show_of("permissions", permissions, _key, self._permission)

    def list_members(self, request: Request) -> Answer:
        """Return a page of the people who have a role; raises NotFound, and InvalidQueryString for one that is too far.

        A page by key is empty only if it is the last, or if a thousand people in a row do not have the role.
        """
        self.admission.admit(request, "read:roles")
        role, page = self._role(request), read_page(request.query)
        found = self.finder.members(role.name, page)
        if found.unseen and not page.is_by_key and len(found.shown) < page.size:
            raise InvalidQueryString("There are too many people to number those of a role: use from and take.")
        return page.show("users", list(map(_member, found.shown)), None if found.unseen else found.count, found.last)

    def add_members(self, request: Request) -> None:
        """Give a role to people; raises NotFound, InexistentUser before anybody gets it."""
        self.admission.admit(request, "create:role_members")
        role, body = self._role(request), read_body(Members, request.body)
        for person in [self.finder.of_request(request, user_id) for user_id in body.users]:
            with _in_api_words():
                self.authorizations_of(person.realm).add_roles(person.user.user_id, [role.role_id])
            note_user(request, person.realm.name, person.user.user_id)
        note_change(request, "", "", role.role_id)

    def list_of_user(self, request: Request) -> Answer:
        """Return a person's roles."""
        person = self._person(request, READ)
        roles = self.authorizations_of(person.realm).list_roles(person.user)
        return read_page(request.query).show_of("roles", roles, lambda role: role.name, _role)

    def add_to_user(self, request: Request) -> None:
        """Give a person roles; raises NotFound for an unknown one."""
        person, body = self._person(request, UPDATE), read_body(RoleIds, request.body)
        with _in_api_words():
            self.authorizations_of(person.realm).add_roles(person.user.user_id, body.roles)
        note_change(request, person.realm.name, person.user.user_id, ", ".join(body.roles))

    def remove_from_user(self, request: Request) -> None:
        """Take roles away from a person; raises NotFound for one that neither the person nor the stage has."""
        person, body = self._person(request, UPDATE), read_body(RoleIds, request.body)
        authorizations = self.authorizations_of(person.realm)
        with _in_api_words():
            authorizations.catalog.require({*body.roles} - {*map(make_role_id, person.user.roles)})
            authorizations.remove_roles(person.user.user_id, body.roles)
        note_change(request, person.realm.name, person.user.user_id, ", ".join(body.roles))

    def list_permissions_of_user(self, request: Request) -> Answer:
        """Return a person's permissions, with where each comes from."""
        person = self._person(request, READ)
        held = self.authorizations_of(person.realm).list_permissions(person.user)
        sources = {
            one.permission: [
                *([{"source_id": "", "source_name": "", "source_type": "DIRECT"}] if one.is_direct else []),
                *({"source_id": role.role_id, "source_name": role.name, "source_type": "ROLE"} for role in one.roles),
            ]
            for one in held
        }
        return read_page(request.query).show_of(
            "permissions", [*sources], _key, lambda one: {**self._permission(one), "sources": sources[one]}
        )

    def add_permissions(self, request: Request) -> None:
        """Give a person direct permissions; raises NotFound for an unknown one."""
        person, named = self._person(request, UPDATE), _named(request)
        with _in_api_words():
            self.authorizations_of(person.realm).add_permissions(person.user.user_id, named)
        note_change(request, person.realm.name, person.user.user_id, _in_words(named))

    def remove_permissions(self, request: Request) -> None:
        """Take direct permissions away; raises NotFound for one that neither the person nor the stage has."""
        person, named = self._person(request, UPDATE), _named(request)
        authorizations = self.authorizations_of(person.realm)
        with _in_api_words():
            for permission in {*named} - {*person.user.permissions}:
                authorizations.catalog.require_permission(permission)
            authorizations.remove_permissions(person.user.user_id, named)
        note_change(request, person.realm.name, person.user.user_id, _in_words(named))

    def _person(self, request: Request, scope: str) -> Person:
        self.admission.admit(request, scope)
        return self.finder.of_path(request)

    def _roles(self) -> list[Role]:
        return list(map(role_from, self.catalog.section("role")))

    def _role(self, request: Request) -> Role:
        for role in self._roles():
            if role.role_id == request.path_params["id"]:
                return role
        raise NotFound("The role does not exist.")

    def _permission(self, permission: Permission) -> dict[str, Any]:
        apis = (one for one in self.catalog.section("api") if one["identifier"] == permission.api)
        absent: dict[str, Any] = {"name": permission.api, "scopes": []}
        api: dict[str, Any] = next(apis, absent)
        described = {scope["value"]: scope.get("description") for scope in api["scopes"]}
        return {
            "resource_server_identifier": permission.api,
            "permission_name": permission.value,
            "resource_server_name": api["name"],
            "description": described.get(permission.value) or "",
        }


@contextmanager
def _in_api_words() -> Iterator[None]:
    try:
        yield
    except UnknownRole:
        raise NotFound("The role does not exist.") from None
    except UnknownPermission:
        raise NotFound("The permission does not exist.") from None
    except TooManyPermissions:
        raise InvalidBody("The user would have too many roles and permissions.") from None
    except NoSuchUser:
        raise InexistentUser from None


def _named(request: Request) -> list[Permission]:
    body = read_body(Permissions, request.body)
    return [Permission(one.resource_server_identifier, one.permission_name) for one in body.permissions]


def _in_words(permissions: list[Permission]) -> str:
    return ", ".join(f"{one.value} of {one.api}" for one in permissions)


def _key(permission: Permission) -> str:
    return f"{permission.api}\0{permission.value}"


def _member(person: Person) -> dict[str, Any]:
    return {name: getattr(person.user, name) for name in ("user_id", "email", "name", "picture")}


def _role(role: Role) -> dict[str, Any]:
    return {"id": role.role_id, "name": role.name, "description": role.description}
