"""Make the whole document of a tenant file of an export."""

from collections.abc import Mapping
from typing import Any

from chalicelib.model.tenant import CLIENT_CREDENTIALS
from infra.move.apis import OPEN, make_apis, make_roles, user_policy
from infra.move.clients import make_clients
from infra.move.entry import Entry, label
from infra.move.export import Export
from infra.move.ledger import Ledger
from infra.move.protection import make_attack_protection, make_mfa
from infra.move.realms import make_realms
from infra.tenant.values import PASSWORD_GRANTS

STAND_IN = "Moved tenant"
Clients = dict[str, dict[str, Any]]


def make_document(
    export: Export, ids: Mapping[str, Any], ledger: Ledger
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the document, and its realms by the names of their connections."""
    realms = make_realms(export, ledger)
    apis = make_apis(export, ledger)
    clients = make_clients(export, ledger, ids, realms)
    tenant = _tenant(export, ledger, realms, apis)
    grants = _grants(export, clients, ledger)
    _bound(export, clients, grants, ledger)
    _drop_default_audience(tenant, clients, ledger)
    document = {
        "tenant": tenant,
        "realms": list(realms.values()),
        "apis": apis,
        "clients": list(clients.values()),
        "client_grants": [
            {key: grant[key] for key in ("client_id", "audience", "scope")}
            for grant in grants
            if not grant["is_of_users"]
        ],
        "roles": make_roles(export, ledger),
        "mfa": make_mfa(export, ledger),
        "attack_protection": make_attack_protection(export, ledger),
    }
    return document, realms


def _tenant(
    export: Export, ledger: Ledger, realms: dict[str, dict[str, Any]], apis: list[dict[str, Any]]
) -> dict[str, Any]:
    entry = Entry("tenant", export.part("tenant"), "", ledger)
    tenant = {"friendly_name": label(entry.take_same("friendly_name", str) or "", STAND_IN), "oidc_scopes": "auth0"}
    directory, audience = entry.take("default_directory", str), entry.take("default_audience", str)
    if directory in realms and directory:
        entry.apply("default_directory")
        tenant["default_directory"] = realms[directory]["name"]
    elif directory:
        entry.mend("default_directory", "names no database: `grant_type=password` is answered with 400")
    if audience and audience in [api["identifier"] for api in apis]:
        entry.apply("default_audience")
        tenant["default_audience"] = audience
    elif audience:
        entry.mend("default_audience", "names no API: a request without `audience` gets a token for /userinfo alone")
    return tenant


def _grants(export: Export, clients: Clients, ledger: Ledger) -> list[dict[str, Any]]:
    """Return the client grants of clients that are here, each with client_id, audience, scope and is_of_users."""
    by_id = {client["client_id"]: client for client in clients.values()}
    ledger.apply(*(f"clientGrants.{key}" for key in ("client_id", "audience", "scope", "subject_type")))
    grants = []
    for grant in export.items("clientGrants"):
        called, audience = grant.get("client_id"), grant.get("audience")
        client = (clients.get(called) or by_id.get(called)) if isinstance(called, str) else None
        is_of_users = grant.get("subject_type", "client") != "client"
        if not client or not isinstance(audience, str):
            ledger.mend("clientGrants.client_id", "of a client that is not here: left out", str(called)[:80])
            continue
        if grant.get("allow_all_scopes") is True:
            ledger.mend("clientGrants.allow_all_scopes", "not here: list the scopes", client["name"])
        if not is_of_users and CLIENT_CREDENTIALS not in client["grant_types"]:
            ledger.approximate(
                "clientGrants.client_id", "of a client without client_credentials: left out", client["name"]
            )
            continue
        scope = grant.get("scope")
        scopes = list(dict.fromkeys(one for one in scope if isinstance(one, str))) if isinstance(scope, list) else []
        made = {"client_id": client["client_id"], "audience": audience, "scope": scopes, "is_of_users": is_of_users}
        grants.append(made)
    return grants


def _bound(export: Export, clients: Clients, grants: list[dict[str, Any]], ledger: Ledger) -> None:
    """Give each client the list of the APIs that people's logins may ask for, if some API is not for all of them."""
    policies = {
        server["identifier"]: user_policy(server)
        for server in export.items("resourceServers")
        if isinstance(server.get("identifier"), str) and server.get("is_system") is not True
    }
    ledger.apply("resourceServers.subject_type_authorization")
    if all(policy == OPEN for policy in policies.values()):
        return
    for client in clients.values():
        granted = {
            grant["audience"]: grant["scope"]
            for grant in grants
            if grant["is_of_users"] and grant["client_id"] == client["client_id"]
        }
        client["apis"] = [
            {"audience": audience} if policy == OPEN else {"audience": audience, "scope": granted[audience]}
            for audience, policy in policies.items()
            if policy == OPEN or (policy == "require_client_grant" and audience in granted)
        ]


def _drop_default_audience(tenant: dict[str, Any], clients: Clients, ledger: Ledger) -> None:
    """Take the default audience out if a client with a password grant may not ask for it."""
    default = tenant.get("default_audience")
    for client in clients.values():
        audiences = [bound["audience"] for bound in client.get("apis", [{"audience": default}])]
        if default and default not in audiences and {*client["grant_types"]} & {*PASSWORD_GRANTS}:
            sentence = "is not for all clients: taken out, so that requests have to name their `audience`"
            ledger.mend("tenant.default_audience", sentence)
            tenant.pop("default_audience")
            return
