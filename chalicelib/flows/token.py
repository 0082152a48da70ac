"""The token endpoint: a grant proves who is asking, this flow decides, the issuer mints (docs/adr/0002)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chalicelib import scopes
from chalicelib.clients import ClientAuthenticator
from chalicelib.errors import (
    InvalidRequest,
    InvalidTarget,
    ServerError,
    TemporarilyUnavailable,
    UnauthorizedClient,
    UnsupportedGrantType,
    echoed,
)
from chalicelib.model.login import Access, Login
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client
from chalicelib.store.config import ConfigStore
from chalicelib.tokens.issuer import Issuer


class Grant(Protocol):
    """What every grant is. parameters: those that it cannot do without. log_codes: of its success and its failure."""

    @property
    def grant_type(self) -> str: ...
    @property
    def parameters(self) -> tuple[str, ...]: ...
    @property
    def log_codes(self) -> tuple[str, str]: ...
    def prove(self, client: Client, request: Request) -> Login: ...


# What cannot be had: refresh tokens are not issued yet.
OIDC_SCOPES = frozenset(scopes.OIDC_SCOPES) - {"offline_access"}


@dataclass(frozen=True, slots=True)
class TokenFlow:
    """Answers POST /oauth/token, whatever the grant. grants: by grant_type."""

    clients: ClientAuthenticator
    grants: Mapping[str, Grant]
    config: ConfigStore
    issuer: Issuer

    def answer(self, request: Request) -> dict[str, Any]:
        """Return the token response of RFC 6749 5.1, or raise what docs/http.md says, in its order of checks."""
        grant_type = request.required("grant_type")
        client = self.clients.authenticate(request)
        grant = self._grant(grant_type, client)
        succeeded, request.outcome.event = grant.log_codes
        for name in grant.parameters:
            request.required(name)
        access = self._access(request)
        login = grant.prove(client, request)
        try:
            tokens = self.issuer.mint(request.issuer, login, access)
        except (TemporarilyUnavailable, ServerError):
            login.give_back()
            raise
        request.outcome.event = succeeded
        return tokens

    def _grant(self, grant_type: str, client: Client) -> Grant:
        grant = self.grants.get(grant_type)
        if grant is None:
            raise UnsupportedGrantType(f"Unsupported grant type: {echoed(grant_type)}")
        if grant_type not in client.grant_types:
            raise UnauthorizedClient(f"Grant type '{grant_type}' not allowed for the client.")
        return grant

    def _access(self, request: Request) -> Access:
        asked = scopes.parse(request.params.get("scope", ""))
        audience = self._audience(request)
        if audience is None:
            return Access(audience=None, scopes=scopes.grant(asked, (), OIDC_SCOPES))
        api = self.config.api(audience)
        if api is None:
            raise InvalidTarget(f"Service not found: {echoed(audience)}")
        return Access(
            audience=api.identifier,
            scopes=scopes.grant(asked, api.scopes, OIDC_SCOPES),
            signing_alg=api.signing_alg,
            token_lifetime_s=api.token_lifetime_s,
            token_dialect=api.token_dialect,
        )

    def _audience(self, request: Request) -> str | None:
        audience, resource = request.params.get("audience"), request.params.get("resource")
        if audience is not None and resource is not None and audience != resource:
            raise InvalidRequest("audience and resource differ.")
        return audience or resource or self.config.tenant().default_audience
