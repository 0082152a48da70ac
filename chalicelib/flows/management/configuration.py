"""The configuration as backends read it: clients, APIs, realms and client grants, which the tenant file writes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.errors import Conflict, NotFound
from chalicelib.flows.management.admission import ManagementAdmission, note_change
from chalicelib.flows.management.paging import read_page, select_fields
from chalicelib.model.clock import Clock
from chalicelib.model.request import Request
from chalicelib.model.tenant import MANAGEMENT, management_audience
from chalicelib.store.cache import Cache
from chalicelib.store.configuration.client_secrets import ENDED, ChangedMeanwhile, NoSecret, rotate_secret
from chalicelib.store.configuration.config import CACHE_LIFETIME_S, ConfigStore
from chalicelib.store.configuration.documents import Document

Answer = dict[str, Any] | list[Any]


@dataclass(slots=True, eq=False, repr=False)
class Catalog:
    """The documents of the configuration, by section. All are read at once, and cached for a minute."""

    config: ConfigStore
    clock: Clock
    _cache: Cache[dict[str, Document]] = field(default_factory=Cache)

    def section(self, name: str) -> list[Document]:
        """Return the documents of a section: realm, api or client. Disabled clients are none."""
        documents = self._documents()
        found = (document for key, document in documents.items() if key.startswith(f"{name}#"))
        return [document for document in found if not document.get("disabled")]

    def _documents(self) -> dict[str, Document]:
        now = self.clock.now_s()
        documents = self._cache.get("documents", now)
        if documents is None:
            documents = dict(self.config.documents())
            self._cache.put("documents", now + CACHE_LIFETIME_S, documents)
        return documents


@dataclass(slots=True, eq=False, repr=False)
class ConfigurationFlow:
    """Answers the lists of the configuration, and rotates secrets."""

    admission: ManagementAdmission
    catalog: Catalog
    config: ConfigStore

    def list_clients(self, request: Request) -> Answer:
        """Return the clients, without their secrets."""
        self.admission.admit(request, "read:clients")
        return _page(request, "clients", map(_client, self.catalog.section("client")), "client_id")

    def list_apis(self, request: Request) -> Answer:
        """Return the APIs."""
        self.admission.admit(request, "read:resource_servers")
        return _page(request, "resource_servers", map(_api, self.catalog.section("api")), "identifier")

    def list_connections(self, request: Request) -> Answer:
        """Return the realms, which Auth0 calls connections. `name` of the query names one."""
        self.admission.admit(request, "read:connections")
        clients = self.catalog.section("client")
        realms = (_connection(realm, clients) for realm in self.catalog.section("realm"))
        return _page(request, "connections", _only(realms, request, "name"), "name")

    def list_grants(self, request: Request) -> Answer:
        """Return the client grants. `client_id` and `audience` of the query name some."""
        self.admission.admit(request, "read:client_grants")
        grants = [one for client in self.catalog.section("client") for one in _grants(client, request.issuer)]
        return _page(request, "client_grants", _only(grants, request, "client_id", "audience"), "id")

    def rotate_secret(self, request: Request) -> dict[str, Any]:
        """Return a client with its new secret. The old one ends at once, within a minute everywhere.

        Raises NotFound if there is no such client, or it has no secret; Conflict if another change was faster.
        A disabled client is none, as in the lists: an operator alone may give it a secret.
        """
        self.admission.admit(request, "update:client_keys")
        client_id = request.path_params["id"]
        try:
            secret, document = rotate_secret(self.config, client_id, ENDED, is_of_live=True)
        except NoSecret:
            raise NotFound("There is no such client with a secret.") from None
        except ChangedMeanwhile:
            raise Conflict("The client was changed meanwhile.") from None
        note_change(request, "", "", f"secret of {client_id}")
        return {**_client(document), "client_secret": secret}


def _page(request: Request, name: str, entries: Iterable[dict[str, Any]], by: str) -> Answer:
    """Return the page that a request asks for. by: the member that the entries are sorted by."""
    key: Callable[[dict[str, Any]], str] = lambda entry: str(entry[by])  # noqa: E731 (its type says what a key is)
    return read_page(request.query).show_of(name, entries, key, lambda entry: select_fields(entry, request.query))


def _only(entries: Iterable[dict[str, Any]], request: Request, *names: str) -> list[dict[str, Any]]:
    """Return the entries whose members are as the query names them."""
    wanted = {name: request.query[name] for name in names if request.query.get(name)}
    return [one for one in entries if all(one[name] == value for name, value in wanted.items())]


def _client(document: Document) -> dict[str, Any]:
    policy = document["refresh_token"]
    kept = ("client_id", "name", "token_endpoint_auth_method", "grant_types", "is_token_endpoint_ip_header_trusted")
    return {
        **{name: document[name] for name in kept},
        "client_metadata": document.get("client_metadata", {}),
        "is_first_party": True,
        "oidc_conformant": True,
        "refresh_token": {
            "expiration_type": "non-expiring" if policy["infinite_token_lifetime"] else "expiring",
            **{name: value for name, value in policy.items() if value is not None},
        },
    }


def _api(document: Document) -> dict[str, Any]:
    names = ("identifier", "name", "scopes", "signing_alg", "token_lifetime", "allow_offline_access", "token_dialect")
    shown = {name: document[name] for name in names}
    scopes = [{name: value for name, value in scope.items() if value is not None} for scope in document["scopes"]]
    policies = {"enforce_policies": document["enforce_policies"]} if "enforce_policies" in document else {}
    return {"id": document["identifier"], **shown, "scopes": scopes, **policies}


def _connection(document: Document, clients: list[Document]) -> dict[str, Any]:
    name = document["name"]
    return {
        "id": name,
        "name": name,
        "display_name": document["display_name"],
        "strategy": "auth0",
        "realms": [name],
        "enabled_clients": sorted(client["client_id"] for client in clients if name in client["realms"]),
    }


def _grants(client: Document, issuer: str) -> Iterable[dict[str, Any]]:
    for audience, scopes in client["client_grants"].items():
        named = management_audience(issuer) if audience == MANAGEMENT else audience
        client_id = client["client_id"]
        yield {"id": f"{client_id} {audience}", "client_id": client_id, "audience": named, "scope": scopes}
