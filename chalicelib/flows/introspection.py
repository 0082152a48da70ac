"""/oauth/introspect (RFC 7662): tell a client that may know it if a token is live. The token stays as it is."""

from dataclasses import dataclass
from typing import Any

from chalicelib.clients import ClientAuthenticator
from chalicelib.directories.finder import UserFinder
from chalicelib.errors import InvalidClient, InvalidToken
from chalicelib.model.credential_state import CredentialState
from chalicelib.model.request import Request
from chalicelib.model.tenant import REFRESH_TOKEN, Client
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.tokens.refresh import PresentedToken, RefreshTokens
from chalicelib.tokens.verifier import AccessTokenVerifier, audiences

INACTIVE = {"active": False}
SHOWN = ("scope", "client_id", "sub", "aud", "iss", "exp", "iat", "jti", "auth_time", "amr", "gty", "permissions")


@dataclass(slots=True, eq=False, repr=False)
class IntrospectionFlow:
    """Answers POST /oauth/introspect."""

    clients: ClientAuthenticator
    refresh_tokens: RefreshTokens
    verifier: AccessTokenVerifier
    config: ConfigStore
    users: UserFinder

    def answer(self, request: Request) -> dict[str, Any]:
        """Return the members of RFC 7662 2.2 for a live token, and exactly {"active": false} for any other.

        Raises InvalidClient, also for a public client, which cannot prove itself.
        """
        client = self.clients.authenticate(request)
        if client.token_endpoint_auth_method == "none":
            raise InvalidClient(reason="a public client introspects nothing")
        token = request.require("token")
        found = self.refresh_tokens.find(token, client)
        if found:
            return self._of_refresh_token(found, client, request.issuer)
        return self._of_access_token(token, client, request.issuer)

    def _of_refresh_token(self, found: PresentedToken, client: Client, issuer: str) -> dict[str, Any]:
        family, policy = found.family, client.refresh_token
        is_over = family.has_ended(found.user, policy, self.refresh_tokens.clock.now_s()) or found.user.blocked
        is_gone = family.audience and self.config.api_of(family.audience, client) is None
        if is_over or is_gone or not found.is_current or REFRESH_TOKEN not in client.grant_types:
            return INACTIVE
        ends_at = family.ends_unused_at(policy)
        return {
            "active": True,
            "token_type": "refresh_token",
            "scope": " ".join(family.scopes),
            "client_id": family.client_id,
            "sub": found.user.user_id,
            "iss": issuer,
            # A rotated token is as old as its rotation, which was the family's last use.
            "iat": family.last_used_at if policy.is_rotating else family.created_at,
        } | ({"exp": ends_at} if ends_at else {})

    def _of_access_token(self, token: str, client: Client, issuer: str) -> dict[str, Any]:
        try:
            claims = self.verifier.verify(token, issuer)
            if not self._concerns(claims, client):
                return INACTIVE
            self._require_live(claims)
        except InvalidToken:
            return INACTIVE
        return {"active": True, "token_type": "Bearer"} | {name: claims[name] for name in SHOWN if name in claims}

    def _require_live(self, claims: dict[str, Any]) -> None:
        """Raise InvalidToken if the token's client is gone, or its user's credentials changed since the login."""
        if CredentialState.of(claims) is not None:
            self.users.find(claims)
        elif self.config.client(claims["client_id"]) is None:
            raise InvalidToken(reason="the client is gone")

    def _concerns(self, claims: dict[str, Any], client: Client) -> bool:
        """Whether the client may introspect a token: its own, or one for an API that lists it."""
        api = self.config.api(audiences(claims)[0])
        return claims["client_id"] == client.client_id or bool(api and client.client_id in api.introspection_clients)
