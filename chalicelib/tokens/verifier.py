"""Access tokens of this server, as they come back: verified with the published keys, without KMS."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt

from chalicelib.errors import InvalidToken
from chalicelib.store.config import ConfigStore
from chalicelib.tokens.claims import TYP

MAX_TOKEN_LENGTH = 8192
# What makes an access token one: an ID token and a client's assertion have no gty, and an MFA token is no JWT.
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "gty"]


@dataclass(frozen=True, slots=True)
class AccessTokenVerifier:
    """Verifies access tokens. clock: epoch seconds."""

    config: ConfigStore
    clock: Callable[[], float]

    def verify(self, token: str, issuer: str) -> dict[str, Any]:
        """Return the claims of a live access token of this issuer; raises InvalidToken. Source: RFC 9068 4."""
        try:
            return self._verified(token, issuer)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as failure:
            raise InvalidToken(reason=type(failure).__name__) from None

    def _verified(self, token: str, issuer: str) -> dict[str, Any]:
        if len(token) > MAX_TOKEN_LENGTH:
            raise ValueError("too long")
        header = jwt.get_unverified_header(token)
        key = next((key for key in self.config.keys().keys if key.kid == header.get("kid")), None)
        if key is None:
            raise jwt.InvalidKeyError("unknown kid")
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(key.jwk),
            algorithms=[key.alg],
            issuer=issuer,
            # Whom it is for is the caller's to ask: an API's audience, or /userinfo.
            options={"require": REQUIRED, "verify_aud": False},
        )
        if not isinstance(claims["scope"], str) or not audiences(claims):
            raise jwt.InvalidTokenError("claims of another form")
        if claims["exp"] <= self.clock() or header.get("typ") != self._typ(claims):
            raise jwt.InvalidTokenError("over, or of another kind")
        return claims

    def _typ(self, claims: dict[str, Any]) -> str:
        api = self.config.api(audiences(claims)[0])
        return TYP[api.token_dialect if api else "rfc9068_profile"]


def audiences(claims: dict[str, Any]) -> list[str]:
    """Return the audiences of a token's claims, the API first; none of what is no text."""
    aud = claims["aud"]
    return [one for one in (aud if isinstance(aud, list) else [aud]) if isinstance(one, str)]
