"""The names of a tenant file that must be unique."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TypeAlias

from chalicelib.identifiers import canonical
from infra.tenant.checks.partial import Findings, entries, take_readable, texts
from infra.tenant.faults import quote
from infra.tenant.schema import ClientGrant, Permission, TenantFile, User
from infra.tenant.yaml_lines import Steps

LOGIN_KEYS = ("username", "email")

# The kind of a name that must be unique, and each name with its path.
Group: TypeAlias = tuple[str, Findings]


def repetition_checks(file: TenantFile, line: Callable[[Steps], int]) -> Iterator[Findings]:
    """Yield a check for each group of names: it yields the repeated ones. line: returns the line of a path."""
    for section in (_realms, _apis, _clients, _grants, _roles, _users):
        yield from (_find_repeated(what, found, line) for what, found in take_readable(section(file)))
    yield _find_repeated("in `factors`,", texts(file, "mfa", "factors"), line)


def _find_repeated(what: str, found: Findings, line: Callable[[Steps], int]) -> Findings:
    first: dict[str, Steps] = {}
    for path, name in found:
        known = first.setdefault(name, path)
        if known != path:
            yield path, f"{what} {quote(name)} stands twice (first on line {line(known)}): take one out"


def _realms(file: TenantFile) -> Iterator[Group]:
    yield "realm", chain(texts(file, "realms", "name"), texts(file, "realms", "aliases"))
    for path, realm in entries(("realms",), file.realms):
        yield "in `identifiers`,", texts(realm, "identifiers", path=path)


def _apis(file: TenantFile) -> Iterator[Group]:
    yield "API", texts(file, "apis", "identifier")
    for path, api in entries(("apis",), file.apis):
        yield "scope", texts(api, "scopes", "value", path=path)
        yield "in `introspection_clients`,", texts(api, "introspection_clients", path=path)


def _clients(file: TenantFile) -> Iterator[Group]:
    yield "client", texts(file, "clients", "client_id")
    for path, client in entries(("clients",), file.clients):
        yield "in `grant_types`,", texts(client, "grant_types", path=path)
        yield "in `realms`,", texts(client, "realms", path=path)
        yield "key", texts(client, "jwks", "keys", "kid", path=path)
        yield "API", texts(client, "apis", "audience", path=path)
        for around, bound in entries((*path, "apis"), vars(client).get("apis") or ()):
            yield "in `scope`,", texts(bound, "scope", path=around)


def _grants(file: TenantFile) -> Iterator[Group]:
    grants = list(entries(("client_grants",), file.client_grants))
    yield "client grant", chain.from_iterable(take_readable(_pair(path, grant)) for path, grant in grants)
    for path, grant in grants:
        yield "in `scope`,", texts(grant, "scope", path=path)


def _roles(file: TenantFile) -> Iterator[Group]:
    yield "role", texts(file, "roles", "name")
    for path, role in entries(("roles",), file.roles):
        found = entries((*path, "permissions"), role.permissions)
        yield "permission", chain.from_iterable(take_readable(_permission(around, one)) for around, one in found)


def _permission(path: Steps, permission: Permission) -> Findings:
    if permission.api and permission.value:
        yield path, f"{permission.value} of {permission.api}"


def _pair(path: Steps, grant: ClientGrant) -> Findings:
    if grant.client_id and grant.audience:
        yield path, f"{grant.client_id} {grant.audience}"


def _users(file: TenantFile) -> Iterator[Group]:
    """Yield the usernames and the emails of each realm, in their canonical form."""
    realms = vars(file).get("realms", ())
    realm_of = {alias: vars(realm).get("name") for realm in realms for _, alias in texts(realm, "aliases")}
    people: dict[str | None, list[tuple[Steps, User]]] = {}
    for called, users in file.users.items():
        people.setdefault(realm_of.get(called, called), []).extend(entries(("users", called), users))
    for key in LOGIN_KEYS:
        for users_of_realm in people.values():
            named = chain.from_iterable(texts(user, key, path=path) for path, user in users_of_realm)
            yield key, ((path, canonical(name)) for path, name in named)
