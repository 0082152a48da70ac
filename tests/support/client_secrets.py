"""Ways in which a client shows who it is: HTTP Basic, and assertions of its keys."""

import time
from base64 import b64encode
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.support.fixed import ISSUER
from tests.support.http import Http

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BASIC_ID = "demo-basic"
BASIC_SECRET = "s3cret: with/odd+chars%"
FAILED = {"error": "invalid_client", "error_description": "Client authentication failed."}
RSA_KEY = rsa.generate_private_key(65537, 2048)
OTHER_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def basic(client_id: str, secret: str) -> str:
    return "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()


def assertion(client_id: str, key: Any = RSA_KEY, alg: str = "RS256", **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "iat": now,
        "exp": now + 60,
        "jti": str(time.time_ns()),
    }
    # A text like "+60" is a time so many seconds from now.
    changes = {
        name: now + int(value) if isinstance(value, str) and value.startswith("+") else value
        for name, value in changes.items()
    }
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, key, alg)


def assertion_login(http: Http, signed: str, **params: str | None) -> Any:
    given = {"client_assertion": signed, "client_assertion_type": ASSERTION_TYPE, "client_secret": None}
    return http.login(**given | {"client_id": None} | params)
