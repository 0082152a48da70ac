"""/userinfo (OpenID Connect Core 5.3): the user's claims for the granted scopes, fresh from the directory."""

from dataclasses import dataclass
from typing import Any

from chalicelib.directories.finder import UserFinder, bearer
from chalicelib.errors import InsufficientScope, InvalidRequest
from chalicelib.model.request import Request
from chalicelib.tokens.claims import OPENID, make_user_claims
from chalicelib.tokens.verifier import AccessTokenVerifier, audiences


@dataclass(slots=True, eq=False, repr=False)
class UserinfoFlow:
    """Answers /userinfo."""

    verifier: AccessTokenVerifier
    users: UserFinder

    def answer(self, request: Request) -> dict[str, Any]:
        """Return sub and the claims; raises InvalidToken, InsufficientScope without openid (RFC 6750 3.1)."""
        claims = self.verifier.verify(_bearer(request), request.issuer)
        scopes = tuple(claims["scope"].split())
        if OPENID not in scopes or f"{request.issuer}userinfo" not in audiences(claims):
            raise InsufficientScope(OPENID)
        return {"sub": claims["sub"], **make_user_claims(self.users.find_with_profile(claims), scopes)}


def _bearer(request: Request) -> str:
    """Return the access token of the Bearer header or of the form (RFC 6750 2.1, 2.2)."""
    in_body = request.params.get("access_token")
    if in_body is not None and request.has_authorization("bearer"):
        raise InvalidRequest("Send the access token one way, not two.")
    return bearer(request.authorization) if in_body is None else in_body
