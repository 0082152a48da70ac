"""Get, verify and forge access tokens, and assert their refusal."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from chalicelib.store.aws.kms import Kms
from chalicelib.tokens.jws import sign_token, write_unsigned
from infra.stage.aws import Stage
from tests.support.fixed import ISSUER
from tests.support.http import BACKEND, TIMESHEETS, Http

INVALID = {"error": "invalid_token", "error_description": "The access token is invalid."}
INVALID_CHALLENGE = 'Bearer realm="gatehouse", error="invalid_token", error_description="The access token is invalid."'
OTHER_RSA_KEY = rsa.generate_private_key(65537, 2048)


def verify_token(http: Http, token: str, audience: str = TIMESHEETS) -> dict[str, Any]:
    """Return the claims of a token that the published keys verify."""
    keys = jwt.PyJWKSet.from_dict(http.get("/.well-known/jwks.json").json())
    header = jwt.get_unverified_header(token)
    claims: dict[str, Any] = jwt.decode(
        token, keys[header["kid"]], algorithms=[header["alg"]], audience=audience, issuer=ISSUER
    )
    return claims


def access_token(http: Http, **params: str | None) -> str:
    """Log in with openid, and return the access token."""
    token: str = http.login(**{"scope": "openid profile", **params}).json()["access_token"]
    return token


def userinfo(http: Http, token: str, method: str = "GET") -> httpx.Response:
    """Send the access token to /userinfo, in the header."""
    return http.request(method, "/userinfo", headers={"Authorization": f"Bearer {token}"})


def assert_invalid(response: httpx.Response) -> None:
    """Assert the answer to an invalid access token. Source: RFC 6750 3.1."""
    assert (response.status_code, response.json()) == (401, INVALID)
    assert response.headers["WWW-Authenticate"] == INVALID_CHALLENGE


def assert_refused_everywhere(http: Http, token: str) -> None:
    """Assert that /userinfo refuses a token, that introspection calls it inactive, and that no log holds it."""
    assert_invalid(userinfo(http, token))
    introspected = http.post("/oauth/introspect", data={"token": token, **BACKEND})
    assert (introspected.status_code, introspected.json()) == (200, {"active": False})
    assert token not in json.dumps(http.log)


def to_base64url(part: dict[str, Any] | bytes) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return urlsafe_b64encode(raw).decode().rstrip("=")


def from_base64url(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def genuine_parts(http: Http) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header and the claims of a token that the server accepts."""
    token = access_token(http)
    assert userinfo(http, token).status_code == 200
    header, claims, _ = token.split(".")
    return json.loads(from_base64url(header)), json.loads(from_base64url(claims))


def rs256(header: dict[str, Any], claims: dict[str, Any], key: rsa.RSAPrivateKey = OTHER_RSA_KEY) -> str:
    """Sign with a key that is not ours."""
    signed = f"{to_base64url(header)}.{to_base64url(claims)}"
    return f"{signed}.{to_base64url(RSAAlgorithm(RSAAlgorithm.SHA256).sign(signed.encode(), key))}"


def signed_by_us(stage: Stage, claims: dict[str, Any], typ: str | None = "at+jwt", **more: Any) -> str:
    """Sign with the stage's key, as the issuer does. more: members of the header."""
    key: Any = stage.config().keys().current("RS256")
    headers = {"kid": key.kid, **({"typ": typ} if typ else {}), **more}
    return sign_token(write_unsigned("token", json.dumps(claims).encode(), key, headers), Kms(stage.aws).sign)
