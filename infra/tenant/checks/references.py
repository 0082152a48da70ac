"""Check that references in a tenant file lead somewhere, and that its MFA policy can be met."""

from collections.abc import Iterator, Sequence
from itertools import chain

from chalicelib.model.enrolment import FACTOR_KINDS
from chalicelib.model.tenant import MANAGEMENT, MANAGEMENT_SCOPES
from infra.tenant.checks.partial import Findings, by_name, entries, take_readable, texts
from infra.tenant.faults import quote, suggest
from infra.tenant.schema import Api, Client, ClientApi, ClientGrant, Permission, TenantFile
from infra.tenant.yaml_lines import Steps


def reference_checks(file: TenantFile) -> Iterator[Findings]:
    """Yield the checks of references between sections: each yields paths and messages."""
    yield _unknown_realms(file)
    yield _unknown_apis(file)
    yield _reserved_api(file)
    yield _unknown_clients(file)
    yield _unknown_roles(file)
    yield _mfa_policy(file)
    yield from take_readable(_client_checks(file))
    yield from take_readable(_grant_checks(file))
    yield from take_readable(_role_checks(file))


def _find_unknown(what: str, found: Findings, known: Sequence[str]) -> Findings:
    for path, name in found:
        if name not in known:
            yield path, f"{what} {quote(name)} does not exist; {suggest(name, known)}"


def _unknown_realms(file: TenantFile) -> Findings:
    known = [*(realm.name for realm in file.realms), *(alias for _, alias in texts(file, "realms", "aliases"))]
    named = chain(texts(file, "tenant", "default_directory"), texts(file, "clients", "realms"))
    yield from _find_unknown("realm", named, known)
    yield from _find_unknown("realm", ((("users", name), name) for name in file.users), known)


def _unknown_apis(file: TenantFile) -> Findings:
    known = [api.identifier for api in file.apis]
    named = chain(texts(file, "tenant", "default_audience"), texts(file, "clients", "apis", "audience"))
    yield from _find_unknown("API", named, known)
    yield from _find_unknown("API", texts(file, "client_grants", "audience"), [*known, MANAGEMENT])
    yield from _find_unknown("API", texts(file, "roles", "permissions", "api"), known)


def _reserved_api(file: TenantFile) -> Findings:
    for path, identifier in texts(file, "apis", "identifier"):
        if identifier == MANAGEMENT:
            yield path, f"{quote(MANAGEMENT)} is the name of the Management API: choose another one"


def _unknown_clients(file: TenantFile) -> Findings:
    named = chain(texts(file, "apis", "introspection_clients"), texts(file, "client_grants", "client_id"))
    yield from _find_unknown("client", named, [client.client_id for client in file.clients])


def _unknown_roles(file: TenantFile) -> Findings:
    known = [name for _, name in texts(file, "roles", "name")]
    for realm, users in file.users.items():
        for path, user in entries(("users", realm), users):
            yield from _find_unknown("role", texts(user, "roles", path=path), known)


def _mfa_policy(file: TenantFile) -> Findings:
    """Yield an MFA policy that no user can meet: a recovery code comes only with another factor."""
    factors = set(file.mfa.factors)
    # A name that is not known is a fault of its own.
    is_known = factors <= {*FACTOR_KINDS}
    if file.mfa.policy == "always" and is_known and not any(FACTOR_KINDS[name].is_enrolled for name in factors):
        mend = "add `otp`, `sms` or `email` to `factors`, or write `policy: never`"
        yield ("mfa", "policy"), f"a second factor is always owed, and there is none to enroll: {mend}"


def _client_checks(file: TenantFile) -> Iterator[Findings]:
    for path, client in entries(("clients",), file.clients):
        yield _default_api(file, path, client)
        yield _bounds(file, path, client)


def _default_api(file: TenantFile, path: Steps, client: Client) -> Findings:
    """Yield the `apis` of a client if its logins ask for a default API that is none of them."""
    default = file.tenant.default_audience
    if not default or client.apis is None or default in [bound.audience for bound in client.apis]:
        return
    if client.has_password_grant:
        mend = f"add {quote(default)} to `apis`, or take `default_audience` out of `tenant`"
        yield (*path, "apis"), f"a request that names no audience asks for the default one: {mend}"


def _bounds(file: TenantFile, path: Steps, client: Client) -> Findings:
    for around, bound in entries((*path, "apis"), client.apis or ()):
        yield from take_readable(_unknown_scopes(file, around, bound))


def _grant_checks(file: TenantFile) -> Iterator[Findings]:
    for path, grant in entries(("client_grants",), file.client_grants):
        yield _grant_type(file, path, grant)
        yield _unknown_scopes(file, path, grant)


def _role_checks(file: TenantFile) -> Iterator[Findings]:
    apis = by_name(file.apis, "identifier")
    for path, role in entries(("roles",), file.roles):
        for around, permission in entries((*path, "permissions"), role.permissions):
            yield _unknown_value(apis, around, permission)


def _unknown_value(apis: dict[str, Api], path: Steps, permission: Permission) -> Findings:
    api = apis.get(permission.api)
    if api:
        yield from _find_unknown("scope", texts(permission, "value", path=path), [one.value for one in api.scopes])


def _grant_type(file: TenantFile, path: Steps, grant: ClientGrant) -> Findings:
    client = by_name(file.clients, "client_id").get(grant.client_id)
    if client and "client_credentials" not in client.grant_types:
        mend = "add `client_credentials` to its `grant_types`, or take this client grant out"
        yield (*path, "client_id"), f"a client without the grant that client grants are for: {mend}"


def _unknown_scopes(file: TenantFile, path: Steps, given: ClientGrant | ClientApi) -> Findings:
    api = by_name(file.apis, "identifier").get(given.audience)
    if isinstance(given, ClientGrant) and given.audience == MANAGEMENT:
        yield from _find_unknown("scope", texts(given, "scope", path=path), MANAGEMENT_SCOPES)
    elif api:
        yield from _find_unknown("scope", texts(given, "scope", path=path), [scope.value for scope in api.scopes])
