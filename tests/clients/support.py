"""Requests of the tests of real clients, and looks at their answers."""

from typing import Any
from urllib.parse import urlsplit

import jwt

from tests.support.local_run import LocalProcess

BASIC_ID = "demo-basic"
BASIC_SECRET = "s3cret: with/odd+chars%"


def domain(run: LocalProcess) -> str:
    """Return host and port, which Auth0's SDK calls the domain."""
    return urlsplit(run.url).netloc


def token_url(run: LocalProcess) -> str:
    """Return the token endpoint."""
    return f"{run.url}oauth/token"


def verified(run: LocalProcess, access_token: str, audience: str, alg: str = "RS256") -> dict[str, Any]:
    """Verify an access token as an API does, with the served keys, and return its claims."""
    key = jwt.PyJWKClient(f"{run.url}.well-known/jwks.json").get_signing_key_from_jwt(access_token)
    claims: dict[str, Any] = jwt.decode(
        access_token,
        key,
        algorithms=[alg],
        audience=audience,
        issuer=run.url,
        options={"require": ["iss", "sub", "aud", "iat", "exp", "jti", "client_id"]},
    )
    return claims
