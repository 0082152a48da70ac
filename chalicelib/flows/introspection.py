"""/oauth/introspect (RFC 7662): whether a token is live, told to those whom it concerns. It uses nothing up."""

from dataclasses import dataclass
from typing import Any

from chalicelib.clients import ClientAuthenticator
from chalicelib.directories.finder import UserFinder
from chalicelib.errors import InvalidClient, InvalidToken
from chalicelib.model.credential_state import CredentialState
from chalicelib.model.request import Request
from chalicelib.model.tenant import REFRESH_TOKEN, Client
from chalicelib.store.config import ConfigStore
from chalicelib.tokens.refresh import PresentedToken, RefreshTokens
from chalicelib.tokens.verifier import AccessTokenVerifier, audiences

INACTIVE = {"active": False}
SHOWN = ("scope", "client_id", "sub", "aud", "iss", "exp", "iat", "jti", "auth_time", "amr", "gty")


@dataclass(frozen=True, slots=True)
class IntrospectionFlow:
    """Answers POST /oauth/introspect."""

    clients: ClientAuthenticator
    refresh_tokens: RefreshTokens
    verifier: AccessTokenVerifier
    config: ConfigStore
    people: UserFinder

    def answer(self, request: Request) -> dict[str, Any]:
        """Return what RFC 7662 2.2 says of a live token, and exactly {"active": false} of any other.

        Raises InvalidClient for a public client too: it could be anybody.
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
            # A token that a rotation made is as old as the rotation, which was the last use of the family.
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
        """Let a token pass if its client is there and its person is as at the login; raises InvalidToken."""
        if CredentialState.of(claims) is not None:
            self.people.find(claims)
        elif self.config.client(claims["client_id"]) is None:
            raise InvalidToken(reason="the client is gone")

    def _concerns(self, claims: dict[str, Any], client: Client) -> bool:
        """Whether a token is the client's own, or for an API that lets the client introspect."""
        api = self.config.api(audiences(claims)[0])
        return claims["client_id"] == client.client_id or bool(api and client.client_id in api.introspection_clients)
