"""Make clients of Auth0's applications. No secret is read."""

from collections.abc import Mapping
from typing import Any

from chalicelib.model.tenant import CLIENT_CREDENTIALS, GRANT_TYPES, MFA_GRANTS
from infra.move.client_keys import public_keys
from infra.move.entry import Entry, label, slug
from infra.move.export import Export
from infra.move.keywords import STAND_IN
from infra.move.ledger import Ledger
from infra.tenant.values import PASSWORD_GRANTS

METHODS = ("none", "client_secret_post", "client_secret_basic")
PUBLIC_TYPES = ("native", "spa")
SIGNED = "private_key_jwt"
LEGACY = {
    "http://auth0.com/oauth/legacy/grant-type/ro": "password",
    "http://auth0.com/oauth/legacy/grant-type/delegation/refresh_token": "refresh_token",
}
LIFETIMES = ("token_lifetime", "idle_token_lifetime", "leeway")
INFINITE = ("infinite_token_lifetime", "infinite_idle_token_lifetime")
SECRET = "not copied: `apply` makes a new one, unless you put the old one into the file for the first `apply`"


def make_clients(
    export: Export, ledger: Ledger, ids: Mapping[str, Any], realms: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the clients by their names at Auth0. ids: client_ids by name, before those of the export."""
    clients: dict[str, dict[str, Any]] = {}
    for application in export.items("clients"):
        given = application.get("name")
        name = given if isinstance(given, str) and given else f"client {len(clients) + 1}"
        entry = Entry("clients", application, label(name, "client"), ledger)
        if application.get("global") is True:
            entry.leave("global", "not here: it is no application")
            continue
        if name in clients:
            entry.mend("name", "stands twice: what names it means the first one")
        if (method := _method(entry)) is not None:
            taken = [client["client_id"] for client in clients.values()]
            key = name if name not in clients else f"{name} ({len(clients) + 1})"
            clients[key] = {"client_id": _client_id(entry, key, ids, taken), **_client(entry, method)}
    for name in ids.keys() - clients.keys():
        ledger.mend("clients.client_id", "--client-ids names a client that the export has not", label(name, "?"))
    _enable(export, clients, realms, ledger)
    return clients


def _client_id(entry: Entry, name: str, ids: Mapping[str, Any], taken: list[str]) -> str:
    own = entry.values.get("client_id")
    given = own if isinstance(own, str) and own and STAND_IN not in own else ids.get(name)
    if isinstance(given, str) and given:
        entry.apply("client_id")
        return given
    made = slug(name, "client", taken)
    sentence = "is not in the export: the one beside the name is made up. Change the client, or give --client-ids"
    entry.ledger.mend("clients.client_id", sentence, f"{entry.name}: {made}")
    return made


def _method(entry: Entry) -> dict[str, Any] | None:
    """Return how a client authenticates, or None if it cannot be a client here."""
    stronger = entry.take("client_authentication_methods", dict) or {}
    named = entry.values.get("token_endpoint_auth_method")
    if named == SIGNED or stronger.get(SIGNED):
        keys = public_keys(entry)
        if not keys:
            entry.mend("client_authentication_methods", "private_key_jwt without public keys: the client is left out")
            return None
        entry.apply("client_authentication_methods")
        return {"token_endpoint_auth_method": SIGNED, "jwks": {"keys": keys}}
    if stronger or (isinstance(named, str) and "tls" in named):
        entry.mend("client_authentication_methods", "not here: mTLS; the client is left out")
        return None
    entry.apply("app_type", "token_endpoint_auth_method")
    if named not in METHODS:
        named = "none" if entry.values.get("app_type") in PUBLIC_TYPES else "client_secret_post"
    if named != "none":
        entry.mend("client_secret", SECRET)
    return {"token_endpoint_auth_method": named}


def _client(entry: Entry, method: dict[str, Any]) -> dict[str, Any]:
    entry.apply("name")
    client = {"name": entry.name, **method, "grant_types": _grant_types(entry, method["token_endpoint_auth_method"])}
    if method["token_endpoint_auth_method"] != "none" and entry.take("is_token_endpoint_ip_header_trusted", bool):
        client["is_token_endpoint_ip_header_trusted"] = True
    entry.apply("is_token_endpoint_ip_header_trusted")
    tokens = entry.below("jwt_configuration")
    if (lifetime := tokens.take_same("lifetime_in_seconds", int)) is not None:
        client["id_token_lifetime"] = lifetime
    if tokens.values.get("alg") == "RS256":
        tokens.apply("alg")
    elif "alg" in tokens.values:
        tokens.mend("alg", "RS256 here: the client has to verify ID tokens by the public keys")
    policy = _refresh_tokens(entry.below("refresh_token"))
    words = {key: value for key, value in (entry.take("client_metadata", dict) or {}).items() if isinstance(value, str)}
    entry.apply("client_metadata")
    return client | {"refresh_token": policy, "client_metadata": words}


def _grant_types(entry: Entry, method: str) -> list[str]:
    """Return the grants that are here too. A client of a third party never has those of a password."""
    given = entry.texts("grant_types")
    found = [grant for grant in dict.fromkeys(LEGACY.get(one, one) for one in given) if grant in GRANT_TYPES]
    if others := [one for one in given if LEGACY.get(one, one) not in found]:
        entry.approximate("grant_types", f"without {', '.join(others)[:200]}")
    if entry.values.get("is_first_party", True) is not True:
        found = [grant for grant in found if grant not in (*PASSWORD_GRANTS, *MFA_GRANTS)]
        entry.approximate("is_first_party", "a third party gets no grant of a password, as at Auth0")
    else:
        entry.apply("is_first_party")
    if method == "none" and CLIENT_CREDENTIALS in found:
        found.remove(CLIENT_CREDENTIALS)
        entry.approximate("grant_types", "without client_credentials: the client is public")
    if not found:
        entry.mend("grant_types", "none is left: the client can do nothing here")
    entry.apply("grant_types")
    return found


def _refresh_tokens(policy: Entry) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not policy.values:
        policy.ledger.approximate("clients.refresh_token", "is not in the export: the defaults here hold", policy.name)
    if policy.values.get("rotation_type") in ("rotating", "non-rotating"):
        found["rotation_type"] = policy.values["rotation_type"]
        policy.apply("rotation_type")
    found |= {key: value for key in LIFETIMES if (value := policy.take_same(key, int)) is not None}
    found |= {key: value for key in INFINITE if (value := policy.take_same(key, bool)) is not None}
    if policy.values.get("expiration_type") == "non-expiring":
        found |= dict.fromkeys(INFINITE, True)
        policy.apply("expiration_type")
    elif "expiration_type" in policy.values:
        policy.apply("expiration_type")
    return found


def _enable(
    export: Export, clients: dict[str, dict[str, Any]], realms: dict[str, dict[str, Any]], ledger: Ledger
) -> None:
    """Give each client the realms of the connections that name it, by its name or its id."""
    by_id = {client["client_id"]: client for client in clients.values()}
    for section in ("databases", "connections"):
        for connection in export.items(section):
            name = connection.get("name")
            realm = realms.get(name) if isinstance(name, str) else None
            enabled = connection.get("enabled_clients")
            ledger.apply(f"{section}.enabled_clients")
            for called in enabled if realm and isinstance(enabled, list) else ():
                client = (clients.get(called) or by_id.get(called)) if isinstance(called, str) else None
                if client and realm and realm["name"] not in client.setdefault("realms", []):
                    client["realms"].append(realm["name"])
    for client in clients.values():
        if not client.get("realms") and {*client["grant_types"]} & {*PASSWORD_GRANTS}:
            ledger.mend(
                "databases.enabled_clients", "name no realm for the client: nobody logs in by it", client["name"]
            )
