"""Verify the access tokens that clients send back, with the published keys and without KMS."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.compact_jws import is_compact_jws, read_header
from chalicelib.errors import InvalidToken
from chalicelib.model.clock import Clock
from chalicelib.model.key import SigningKey
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.tokens.claims import TYP

if TYPE_CHECKING:
    from jwt import PyJWK
    from jwt.types import Options

MAX_TOKEN_LENGTH = 8192
# The claims of every access token: an ID token and a client's assertion have no gty, and an MFA token is no JWT.
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "gty"]
# How far the clock of the process that signed may be ahead of this one.
NBF_LEEWAY_S = 10
OPTIONS: "Options" = {
    "require": REQUIRED,
    # The caller checks the audience: an API's, or /userinfo.
    "verify_aud": False,
    # Checked here with our clock; PyJWT reads the machine's.
    "verify_exp": False,
    "verify_nbf": False,
    # It says how old a token is, not whether it is valid (RFC 7519 4.1.6).
    "verify_iat": False,
}


@dataclass(slots=True, eq=False, repr=False)
class AccessTokenVerifier:
    """Verifies access tokens. public_keys: those that were read so far, by kid, which is the thumbprint of a key."""

    config: ConfigStore
    clock: Clock
    public_keys: "dict[str, PyJWK]" = field(default_factory=dict)

    def verify(self, token: str, issuer: str) -> dict[str, Any]:
        """Return the claims of a live access token of this issuer; raises InvalidToken. Source: RFC 9068 4."""
        import jwt  # noqa: PLC0415 (PyJWT and cryptography take 40 ms, and a login verifies no token)

        try:
            return self._verify(token, issuer)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as failure:
            raise InvalidToken(reason=type(failure).__name__) from None

    def _verify(self, token: str, issuer: str) -> dict[str, Any]:
        import jwt  # noqa: PLC0415 (as above)

        if len(token) > MAX_TOKEN_LENGTH or not is_compact_jws(token):
            raise ValueError("too long, or no JWT")
        kid = read_header(token).get("kid")
        key = next((key for key in self.config.keys().keys if key.kid == kid), None)
        if key is None:
            raise jwt.InvalidKeyError("unknown kid")
        decoded = jwt.decode_complete(
            token,
            self._read_public_key(key),
            algorithms=[key.alg],
            issuer=issuer,
            options=OPTIONS,
        )
        claims: dict[str, Any] = decoded["payload"]
        if not isinstance(claims["scope"], str) or not audiences(claims) or not is_number(claims["iat"]):
            raise jwt.InvalidTokenError("claims of another form")
        if not self._is_in_time(claims):
            raise jwt.ExpiredSignatureError
        if decoded["header"].get("typ") != self._typ(claims):
            raise jwt.InvalidTokenError("a token of another kind")
        return claims

    def _read_public_key(self, key: SigningKey) -> "PyJWK":
        import jwt  # noqa: PLC0415 (as above)

        if key.kid not in self.public_keys:
            self.public_keys[key.kid] = jwt.PyJWK(key.jwk)
        return self.public_keys[key.kid]

    def _is_in_time(self, claims: dict[str, Any]) -> bool:
        """Return whether exp is in the future and nbf, if there is one, is not. Both must be numbers."""
        now, exp, nbf = self.clock.now_s(), claims["exp"], claims.get("nbf", 0)
        return is_number(exp) and is_number(nbf) and exp > now and nbf <= now + NBF_LEEWAY_S

    def _typ(self, claims: dict[str, Any]) -> str:
        api = self.config.api(audiences(claims)[0])
        return TYP[api.token_dialect if api else "rfc9068_profile"]


def is_number(value: Any) -> bool:
    """Return whether a claim is a NumericDate (RFC 7519 2); JSON's true is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def audiences(claims: dict[str, Any]) -> list[str]:
    """Return the audiences of a token's claims that are strings, the API first."""
    aud = claims["aud"]
    return [one for one in (aud if isinstance(aud, list) else [aud]) if isinstance(one, str)]
