"""/userinfo (OpenID Connect Core 5.3): what the granted scopes show of a person, fresh from the directory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.directories.dynamodb import DynamoDirectory
from chalicelib.errors import InsufficientScope, InvalidRequest, InvalidToken
from chalicelib.model.request import Request
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.store.config import ConfigStore
from chalicelib.tokens.claims import OPENID, user_claims
from chalicelib.tokens.verifier import AccessTokenVerifier, audiences


@dataclass(frozen=True, slots=True)
class UserinfoFlow:
    """Answers /userinfo."""

    verifier: AccessTokenVerifier
    config: ConfigStore
    directory_of: Callable[[Realm], DynamoDirectory]

    def answer(self, request: Request) -> dict[str, Any]:
        """Return sub and the claims; raises InvalidToken, InsufficientScope without openid (RFC 6750 3.1)."""
        claims = self.verifier.verify(_bearer(request), request.issuer)
        scopes = tuple(claims["scope"].split())
        if OPENID not in scopes or f"{request.issuer}userinfo" not in audiences(claims):
            raise InsufficientScope(OPENID)
        return {"sub": claims["sub"], **user_claims(self._user(claims), scopes)}

    def _user(self, claims: dict[str, Any]) -> User:
        client = self.config.client(claims["client_id"])
        own_realm = claims["sub"].partition("|")[0]
        # A user_id begins with its realm, so one read finds the person; those who kept an imported one are looked for.
        for name in sorted(client.realms if client else (), key=lambda name: name != own_realm):
            realm = self.config.realm(name)
            user = self.directory_of(realm).read(claims["sub"]) if realm else None
            if user and not user.blocked:
                return user
        raise InvalidToken(reason="the user is gone or blocked")


def _bearer(request: Request) -> str:
    """Return the access token of the header or of the form (RFC 6750 2.1, 2.2)."""
    scheme, _, token = request.authorization.partition(" ")
    in_body = request.params.get("access_token")
    if in_body is not None and request.authorization:
        raise InvalidRequest("Send the access token one way, not two.")
    if in_body is not None:
        return in_body
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidToken(reason="no access token", is_missing=True)
    return token.strip()
