"""Make APIs of Auth0's resource servers, and roles with permissions at them."""

from typing import Any

from infra.move.entry import Entry, label
from infra.move.export import Export
from infra.move.ledger import Ledger

# Auth0's own default.
DIALECT = "access_token"
DIALECTS = ("access_token", "access_token_authz", "rfc9068_profile", "rfc9068_profile_authz")
UNGIVEN = "who has which is not in an export: `gatehouse users roles add` gives them to people"
ALGS = ("RS256", "ES256")
OPEN = "allow_all"


def make_apis(export: Export, ledger: Ledger) -> list[dict[str, Any]]:
    """Return the APIs, without Auth0's own Management API."""
    apis = []
    for server in export.items("resourceServers"):
        identifier = server.get("identifier")
        name = label(str(server.get("name") or identifier or ""), "API")
        entry = Entry("resourceServers", server, name, ledger)
        if server.get("is_system") is True:
            entry.leave("is_system", "not here: the Management API is the `gatehouse` command")
        elif not isinstance(identifier, str) or not identifier:
            entry.mend("identifier", "is missing, so the API is left out")
        else:
            apis.append(_api(entry, identifier))
    return apis


def _api(entry: Entry, identifier: str) -> dict[str, Any]:
    entry.apply("identifier", "name")
    api: dict[str, Any] = {"identifier": identifier, "name": entry.name, "scopes": _scopes(entry)}
    alg = entry.take("signing_alg", str)
    if alg in ALGS:
        entry.apply("signing_alg")
        api["signing_alg"] = alg
    elif alg:
        entry.mend("signing_alg", "RS256 here: the API has to verify its tokens by the public keys")
    api |= {
        key: value
        for key, kind in (("token_lifetime", int), ("allow_offline_access", bool))
        if (value := entry.take_same(key, kind)) is not None
    }
    if "enforce_policies" in entry.values:
        entry.apply("enforce_policies")
        # A value that cannot be read lets nobody have more than before.
        api["enforce_policies"] = entry.values["enforce_policies"] not in (None, False)
    return api | {"token_dialect": _dialect(entry)}


def _scopes(entry: Entry) -> list[dict[str, str]]:
    entry.apply("scopes")
    scopes = []
    for scope in entry.take("scopes", list) or []:
        if isinstance(scope, dict) and isinstance(scope.get("value"), str):
            said = scope.get("description")
            shown = {"description": " ".join(said.split())[:300]} if isinstance(said, str) and said.split() else {}
            scopes.append({"value": scope["value"], **shown})
    return scopes


def _dialect(entry: Entry) -> str:
    given = entry.take("token_dialect", str) or DIALECT
    if "token_dialect" in entry.values:
        entry.apply("token_dialect")
    return given if given in DIALECTS else DIALECT


def make_roles(export: Export, ledger: Ledger) -> list[dict[str, Any]]:
    """Return the roles, with permissions of whatever API."""
    roles = []
    for number, given in enumerate(export.items("roles"), 1):
        entry = Entry("roles", given, label(str(given.get("name") or ""), f"Role {number}"), ledger)
        entry.apply("name", "description", "permissions")
        description = label(entry.take("description", str) or "", "")
        role: dict[str, Any] = {"name": entry.name, "permissions": _permissions(entry)}
        roles.append(role | ({"description": description} if description else {}))
        ledger.mend("roles", UNGIVEN, entry.name)
    return roles


def _permissions(entry: Entry) -> list[dict[str, str]]:
    found = []
    for one in entry.take("permissions", list) or ():
        names = (
            [one.get(key) for key in ("resource_server_identifier", "permission_name")] if isinstance(one, dict) else []
        )
        if names and all(isinstance(name, str) for name in names):
            found.append({"api": str(names[0]), "value": str(names[1])})
        else:
            entry.mend("permissions", "names no API or no scope: left out")
    return found


def user_policy(server: dict[str, Any]) -> str:
    """Return which clients may ask for an API in people's logins: Auth0's policy. Unreadable ones let nobody in."""
    found: Any = server
    for key in ("subject_type_authorization", "user", "policy"):
        if not isinstance(found, dict):
            return "deny_all"
        if key not in found:
            return OPEN
        found = found[key]
    return found if found in (OPEN, "require_client_grant") else "deny_all"
