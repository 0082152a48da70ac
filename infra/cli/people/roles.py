"""`gatehouse users roles` and `gatehouse users permissions`: what the people of a realm may do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer

from chalicelib.accounts.authorization import (
    MAX_AUTHORIZATION_BYTES,
    Authorizations,
    HeldPermission,
    RoleCatalog,
    TooManyPermissions,
    UnknownPermission,
    UnknownRole,
    make_role_id,
)
from chalicelib.model.user import Permission, User
from infra.cli.audit import auditing
from infra.cli.options import JsonOption, RealmOption, StageOption, console, reports_failures
from infra.cli.output.tables import print_json, print_table
from infra.cli.people.users import Who
from infra.errors import OperatorError
from infra.stage.aws import Stage, reach
from infra.stage.people import People

roles = typer.Typer(name="roles", help="List, add and remove the roles of a user.", no_args_is_help=True)
permissions = typer.Typer(
    name="permissions", help="List, add and remove the permissions of a user.", no_args_is_help=True
)

Roles = Annotated[list[str], typer.Argument(metavar="ROLE...", help="The names of roles of the tenant file.")]
Audience = Annotated[str, typer.Argument(metavar="API", help="The API's identifier.")]
Scopes = Annotated[list[str], typer.Argument(metavar="SCOPE...", help="Scopes of that API.")]
GONE = "not in the stage any more"


@roles.command("list")
@reports_failures
def list_roles(who: Who, realm: RealmOption, stage: StageOption, as_json: JsonOption = False) -> None:
    """List a user's roles. One that the stage has no more permits nothing."""
    authorizations, user = _find(who, realm, reach(stage))
    known = {role.name: role.description for role in authorizations.list_roles(user)}
    listed = [(make_role_id(name), name, known.get(name, GONE)) for name in user.roles]
    if as_json:
        print_json(console, [dict(zip(("id", "name", "description"), row, strict=True)) for row in listed])
    else:
        print_table(console, ("id", "name", "description"), listed)


@roles.command("add")
@reports_failures
def add_roles(who: Who, names: Roles, realm: RealmOption, stage: StageOption) -> None:
    """Give a user roles. They count from the next login on."""
    reached = reach(stage)
    authorizations, user = _find(who, realm, reached)
    with _in_operators_words(user), auditing(reached, "users roles add", realm=realm, user=user.user_id, roles=names):
        by_id = {make_role_id(name): name for name in names}
        known = {role.role_id for role in authorizations.catalog.find(list(by_id))}
        if unknown := [name for role_id, name in by_id.items() if role_id not in known]:
            raise OperatorError(
                f"Stage {stage} has no role {', '.join(unknown)}. `apply` makes those of the tenant file."
            )
        _show_roles(authorizations.add_roles(user.user_id, list(by_id)))


@roles.command("remove")
@reports_failures
def remove_roles(who: Who, names: Roles, realm: RealmOption, stage: StageOption) -> None:
    """Take roles away from a user. They are gone at the next login or refresh."""
    reached = reach(stage)
    authorizations, user = _find(who, realm, reached)
    with (
        _in_operators_words(user),
        auditing(reached, "users roles remove", realm=realm, user=user.user_id, roles=names),
    ):
        _show_roles(authorizations.remove_roles(user.user_id, [make_role_id(name) for name in names]))


@permissions.command("list")
@reports_failures
def list_permissions(who: Who, realm: RealmOption, stage: StageOption, as_json: JsonOption = False) -> None:
    """List a user's permissions, each with the roles that it comes from."""
    authorizations, user = _find(who, realm, reach(stage))
    held = authorizations.list_permissions(user)
    if as_json:
        listed = [{**asdict(one.permission), "direct": one.is_direct, "roles": _role_names(one)} for one in held]
        print_json(console, listed)
        return
    rows = [(one.permission.api, one.permission.value, ", ".join(_sources(one))) for one in held]
    print_table(console, ("API", "scope", "from"), rows)


@permissions.command("add")
@reports_failures
def add_permissions(who: Who, api: Audience, scopes: Scopes, realm: RealmOption, stage: StageOption) -> None:
    """Give a user permissions without a role. They count from the next login on."""
    reached = reach(stage)
    authorizations, user = _find(who, realm, reached)
    with (
        _in_operators_words(user),
        auditing(reached, "users permissions add", realm=realm, user=user.user_id, api=api, permissions=scopes),
    ):
        _show_permissions(authorizations.add_permissions(user.user_id, [Permission(api, one) for one in scopes]))


@permissions.command("remove")
@reports_failures
def remove_permissions(who: Who, api: Audience, scopes: Scopes, realm: RealmOption, stage: StageOption) -> None:
    """Take permissions away that a user has without a role. They are gone at the next login or refresh."""
    reached = reach(stage)
    authorizations, user = _find(who, realm, reached)
    with (
        _in_operators_words(user),
        auditing(reached, "users permissions remove", realm=realm, user=user.user_id, api=api, permissions=scopes),
    ):
        _show_permissions(authorizations.remove_permissions(user.user_id, [Permission(api, one) for one in scopes]))


def _find(who: str, realm: str, stage: Stage) -> tuple[Authorizations, User]:
    """Return what the people of a realm may do, and the named person. Raises OperatorError for nobody."""
    people = People.of(stage, realm)
    return Authorizations(people.records, RoleCatalog(people.config)), people.find(who)


@contextmanager
def _in_operators_words(user: User) -> Iterator[None]:
    """Raise OperatorError for a change that cannot be."""
    try:
        yield
    except UnknownRole as unknown:
        raise OperatorError(f"The stage has no role {unknown} any more.") from None
    except UnknownPermission as unknown:
        raise OperatorError(f"The stage has no API with that scope: {unknown}.") from None
    except TooManyPermissions:
        most = f"{MAX_AUTHORIZATION_BYTES:,} bytes"
        raise OperatorError(
            f"The roles and direct permissions of {user.user_id} would take more than {most}."
        ) from None


def _show_roles(user: User) -> None:
    console.print(f"{user.user_id} has the roles: {', '.join(user.roles) or 'none'}.")


def _show_permissions(user: User) -> None:
    direct = ", ".join(f"{one.value} of {one.api}" for one in user.permissions)
    console.print(f"{user.user_id} has the direct permissions: {direct or 'none'}.")


def _role_names(held: HeldPermission) -> list[str]:
    return [role.name for role in held.roles]


def _sources(held: HeldPermission) -> list[str]:
    return [*(["direct"] if held.is_direct else []), *_role_names(held)]
