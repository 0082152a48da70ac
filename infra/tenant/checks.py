"""What the parts of a tenant file must say of each other: names that are unique, references that hold.

It reads the raw document, so that these faults arrive together with those of the form.
"""

from collections.abc import Iterator
from itertools import chain

from chalicelib.model.enrolment import FACTOR_KINDS
from infra.tenant.clients import client_faults
from infra.tenant.faults import Fault, instead, shown
from infra.tenant.raw import Entry, Found, root
from infra.tenant.users import login_names, user_faults
from infra.tenant.values import PASSWORD_GRANTS
from infra.tenant.yaml_lines import Document, Steps


def cross_faults(document: Document) -> list[Fault]:
    """Return the faults of the document that none of its fields shows alone, each with its line."""
    file = root(document)
    found = chain(
        _unknown_references(file),
        _grant_faults(file),
        _bound_faults(file),
        _mfa_faults(file.part("mfa")),
        chain.from_iterable(client_faults(client) for client in file.entries("clients")),
        user_faults(file),
        chain.from_iterable(_repeated(document, what, names) for what, names in _unique_names(file)),
    )
    return [Fault(document.line(path), message) for path, message in found]


def _unknown_references(file: Entry) -> Found:
    realms, apis = _known_realms(file), file.known("apis", "identifier")
    clients, users = file.known("clients", "client_id"), file.part("users")
    yield from _unknown("realm", file.part("tenant").texts("default_directory"), realms)
    yield from _unknown("API", file.part("tenant").texts("default_audience"), apis)
    yield from _unknown("realm", (((*users.path, name), name) for name in users.fields), realms)
    for client in file.entries("clients"):
        yield from _unknown("realm", client.texts("realms"), realms)
        yield from _unknown("API", _names(client.entries("apis"), "audience"), apis)
    for api in file.entries("apis"):
        yield from _unknown("client", api.texts("introspection_clients"), clients)
    for grant in file.entries("client_grants"):
        yield from _unknown("client", grant.texts("client_id"), clients)
        yield from _unknown("API", grant.texts("audience"), apis)


def _known_realms(file: Entry) -> list[str] | None:
    names = file.known("realms", "name")
    return None if names is None else [*names, *(alias for _, alias in _names(file.entries("realms"), "aliases"))]


def _unknown(what: str, names: Found, known: list[str] | None) -> Found:
    for path, name in names:
        if known is not None and name not in known:
            yield path, f"{what} {shown(name)} does not exist; {instead(name, known)}"


def _grant_faults(file: Entry) -> Found:
    """Yield what a client grant lacks: the grant type on its client, its scopes on the API."""
    clients = {client.text("client_id"): client for client in file.entries("clients")}
    apis = {api.text("identifier"): api for api in file.entries("apis")}
    for grant in file.entries("client_grants"):
        client, api = clients.get(grant.text("client_id")), apis.get(grant.text("audience"))
        grant_types = client.fields.get("grant_types") if client else None
        if isinstance(grant_types, list) and "client_credentials" not in grant_types:
            mend = "add `client_credentials` to its `grant_types`, or take this client grant out"
            yield (*grant.path, "client_id"), f"a client without the grant that client grants are for: {mend}"
        if api:
            yield from _unknown("scope", grant.texts("scope"), api.known("scopes", "value"))


def _bound_faults(file: Entry) -> Found:
    """Yield what is wrong with the `apis` of clients: unknown scopes, or a default audience that no login may have."""
    apis = {api.text("identifier"): api for api in file.entries("apis")}
    default = file.part("tenant").text("default_audience")
    for client in file.entries("clients"):
        for bound in client.entries("apis"):
            api = apis.get(bound.text("audience"))
            if api:
                yield from _unknown("scope", bound.texts("scope"), api.known("scopes", "value"))
        audiences = client.known("apis", "audience") if "apis" in client.fields else None
        sends_passwords = any(grant in PASSWORD_GRANTS for _, grant in client.texts("grant_types"))
        if default and audiences is not None and default not in audiences and sends_passwords:
            mend = f"add {shown(default)} to `apis`, or take `default_audience` out of `tenant`"
            yield (*client.path, "apis"), f"a request that names no audience asks for the default one: {mend}"


def _mfa_faults(mfa: Entry) -> Found:
    """Yield the policy that nobody could meet: a recovery code comes with another factor, never alone."""
    named = {name for _, name in mfa.texts("factors")}
    # What is no list, or holds an unknown name, is a fault of its own.
    is_readable = isinstance(mfa.fields.get("factors", []), list) and named <= {*FACTOR_KINDS}
    if mfa.text("policy") == "always" and is_readable and not any(FACTOR_KINDS[name].is_enrolled for name in named):
        mend = "add `otp`, `sms` or `email` to `factors`, or write `policy: never`"
        yield (*mfa.path, "policy"), f"a second factor is always owed, and there is none to enroll: {mend}"


def _unique_names(file: Entry) -> Iterator[tuple[str, Found]]:
    """Yield what must be unique: what it is, and the path and name of each."""
    realms, apis, clients = file.entries("realms"), file.entries("apis"), file.entries("clients")
    grants = [grant for grant in file.entries("client_grants") if grant.text("client_id") and grant.text("audience")]
    yield "realm", chain(_names(realms, "name"), _names(realms, "aliases"))
    yield "API", _names(apis, "identifier")
    yield "client", _names(clients, "client_id")
    yield "client grant", ((grant.path, f"{grant.text('client_id')} {grant.text('audience')}") for grant in grants)
    yield from (("scope", _names(api.entries("scopes"), "value")) for api in apis)
    yield from (("API", _names(client.entries("apis"), "audience")) for client in clients)
    yield from (("key", _names(client.part("jwks").entries("keys"), "kid")) for client in clients)
    yield from login_names(file)
    lists = [(clients, "grant_types"), (clients, "realms"), (realms, "identifiers"), (grants, "scope")]
    bounds = [bound for client in clients for bound in client.entries("apis")]
    lists += [(apis, "introspection_clients"), (bounds, "scope")]
    for entries, key in [*lists, ([file.part("mfa")], "factors")]:
        yield from ((f"in `{key}`,", entry.texts(key)) for entry in entries)


def _names(entries: list[Entry], key: str) -> Found:
    return chain.from_iterable(entry.texts(key) for entry in entries)


def _repeated(document: Document, what: str, names: Found) -> Found:
    first: dict[str, Steps] = {}
    for path, name in names:
        known = first.setdefault(name, path)
        if known != path:
            yield path, f"{what} {shown(name)} stands twice (first on line {document.line(known)}): take one out"
