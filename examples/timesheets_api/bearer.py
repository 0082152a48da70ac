"""Verify the access token of a request, as RFC 6750 and RFC 9068 ask of an API."""

from dataclasses import dataclass
from typing import Any

import jwt

# The clocks of two machines differ, so a token can seem to come from the future.
LEEWAY_S = 10
TYPE = "at+jwt"
REQUIRED = ["exp", "sub", "client_id", "scope"]


@dataclass(frozen=True)
class Refused(Exception):
    """The request's token does not let it in. challenge: the WWW-Authenticate header, or "" for none."""

    status: int
    challenge: str = ""


@dataclass(frozen=True)
class AccessTokens:
    """The access tokens of one issuer for one API.

    issuer: with its final slash. audience: the API's identifier. algorithm: its `signing_alg`, and no other.
    keys: fetched when a token names an unknown one, but not more often than every 30 seconds.
    """

    issuer: str
    audience: str
    algorithm: str
    keys: jwt.PyJWKClient

    def claims(self, authorization: str | None, scope: str) -> dict[str, Any]:
        """Return the claims of a request's token. Raises Refused, and nothing else.

        authorization: the Authorization header, None if there is none. scope: the one that the request needs.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise Refused(401, "Bearer")
        try:
            claims = self._verified(token.strip())
        except (jwt.PyJWKClientConnectionError, jwt.PyJWKSetError) as cause:
            # The keys are out of reach: of the token, nothing is known.
            raise Refused(503) from cause
        except (jwt.PyJWTError, RecursionError) as cause:
            raise Refused(401, 'Bearer error="invalid_token"') from cause
        if scope not in claims["scope"].split():
            raise Refused(403, f'Bearer error="insufficient_scope", scope="{scope}"')
        return claims

    def _verified(self, token: str) -> dict[str, Any]:
        """Return the claims of a live access token for this API; raise PyJWTError for any other text."""
        key = self.keys.get_signing_key_from_jwt(token)
        # An ID token has the same issuer and key.
        if jwt.get_unverified_header(token).get("typ") != TYPE:
            raise jwt.InvalidTokenError("not an access token")
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[self.algorithm],
            audience=self.audience,
            issuer=self.issuer,
            leeway=LEEWAY_S,
            options={"require": REQUIRED, "verify_iat": False},
        )
        return claims
