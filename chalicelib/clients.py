"""Client authentication: exactly the method that the client is registered for (RFC 6749 2.3, RFC 7523)."""

import binascii
import hashlib
import hmac
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

import jwt

from chalicelib.errors import InvalidClient, InvalidRequest, echoed
from chalicelib.identifiers import is_text
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client
from chalicelib.protection.client import ClientGuard
from chalicelib.store.config import ConfigStore
from chalicelib.store.sessions import SessionStore

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFETIME_S = 300
ASSERTION_LEEWAY_S = 10
MAX_ASSERTION_LENGTH = 4096
MAX_JTI_LENGTH = 256
ASSERTION_ALGS = {"RSA": "RS256", "EC": "ES256"}


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a request shows of a client: the method it uses, and the id and secret of each way to read them."""

    method: str
    pairs: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientAuthenticator:
    """Finds out which client is asking. clock: epoch seconds."""

    config: ConfigStore
    sessions: SessionStore
    guard: ClientGuard
    clock: Callable[[], float]

    def authenticate(self, request: Request) -> Client:
        """Return the client.

        Raises InvalidRequest for two methods at once, TooManyAttempts for an address that failed too often, else
        InvalidClient for every failure.
        """
        shown = _shown(request)
        if shown.method != "none":
            self.guard.require_room(request.source_ip)
        reason = "no client of that id"
        for client_id, secret in shown.pairs:
            request.outcome.client_id = echoed(client_id)
            client = self.config.client(client_id)
            if client is None:
                continue
            if client.token_endpoint_auth_method != shown.method:
                reason = f"the client is registered for {client.token_endpoint_auth_method}, not {shown.method}"
            elif self._is_proved(client, shown.method, secret, request.issuer):
                return client
            else:
                reason = "the client's proof does not hold"
        self.guard.fail(request.source_ip)
        raise InvalidClient(reason=reason)

    def _is_proved(self, client: Client, method: str, secret: str, issuer: str) -> bool:
        if method == "none":
            return True
        if method == "private_key_jwt":
            return self._holds(client, secret, issuer)
        return self._has_secret(client, secret)

    def _has_secret(self, client: Client, secret: str) -> bool:
        digest = hashlib.sha256(secret.encode()).hexdigest()
        now = self.clock()
        live = [one for one in client.secrets if one.expires_at is None or one.expires_at > now]
        return sum(hmac.compare_digest(digest, one.sha256) for one in live) > 0

    def _holds(self, client: Client, assertion: str, issuer: str) -> bool:
        for jwk in client.jwks:
            claims = _verified(assertion, jwk, client.client_id, issuer)
            if claims is not None:
                return self._is_fresh(client, claims)
        return False

    def _is_fresh(self, client: Client, claims: dict[str, Any]) -> bool:
        now, exp, jti = int(self.clock()), int(claims["exp"]), claims["jti"]
        is_long_lived = exp > now + ASSERTION_LIFETIME_S + ASSERTION_LEEWAY_S
        if is_long_lived or not is_text(jti) or len(jti) > MAX_JTI_LENGTH:
            return False
        name = f"jti#{client.client_id}#{hashlib.sha256(jti.encode()).hexdigest()}"
        # The assertion is taken until its leeway ends, and so must the memory of its jti last.
        return self.sessions.use_once(name, now, exp + ASSERTION_LEEWAY_S + 1)


def _shown(request: Request) -> _Shown:
    # Another scheme than Basic is no client authentication: proxies and gateways have uses of their own for the header.
    basic = request.authorization if request.has_authorization("basic") else ""
    ways = [basic, request.params.get("client_secret"), request.params.get("client_assertion")]
    if sum(way not in ("", None) for way in ways) > 1:
        raise InvalidRequest("Use one method of client authentication, not several.")
    if basic:
        return _basic(request)
    if "client_assertion" in request.params:
        return _assertion(request)
    client_id, secret = request.params.get("client_id"), request.params.get("client_secret")
    if client_id is None:
        raise InvalidClient(reason="no client_id")
    return _Shown("none" if secret is None else "client_secret_post", ((client_id, secret or ""),))


def _basic(request: Request) -> _Shown:
    """Read HTTP Basic. RFC 6749 form-encodes id and secret first; clients that do not are read as they are."""
    encoded = request.authorization.partition(" ")[2]
    try:
        decoded = b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidClient(reason="the Authorization header cannot be read") from None
    text = _text(decoded)
    raw = tuple(text.partition(":")[::2])
    if ":" not in text:
        raise InvalidClient(reason="the Authorization header holds no Basic credentials")
    pairs = tuple(dict.fromkeys([(unquote_plus(raw[0]), unquote_plus(raw[1])), (raw[0], raw[1])]))
    named = request.params.get("client_id")
    if named is not None and named not in [client_id for client_id, _ in pairs]:
        raise InvalidRequest("client_id differs from the one in the Authorization header.")
    return _Shown("client_secret_basic", pairs)


def _text(decoded: bytes) -> str:
    """Read UTF-8 (RFC 7617 2.1), else Latin-1, which several clients send where nothing is form-encoded."""
    try:
        return decoded.decode()
    except UnicodeDecodeError:
        return decoded.decode("latin-1")


def _assertion(request: Request) -> _Shown:
    if request.required("client_assertion_type") != ASSERTION_TYPE:
        raise InvalidClient(reason="unknown client_assertion_type")
    assertion = request.params["client_assertion"]
    client_id = _subject(assertion)
    if request.params.get("client_id", client_id) != client_id:
        raise InvalidRequest("client_id differs from the one in the client_assertion.")
    return _Shown("private_key_jwt", ((client_id, assertion),))


def _subject(assertion: str) -> str:
    """Read whom an assertion speaks of, so that their keys can be found; nothing is believed yet."""
    if len(assertion) > MAX_ASSERTION_LENGTH:
        raise InvalidClient(reason="the client_assertion is too long")
    try:
        subject = jwt.decode(assertion, options={"verify_signature": False}).get("sub")
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise InvalidClient(reason="the client_assertion cannot be read") from None
    if not is_text(subject):
        raise InvalidClient(reason="the client_assertion has no sub")
    return subject


def _verified(assertion: str, jwk: dict[str, str], client_id: str, issuer: str) -> dict[str, Any] | None:
    """Return the claims, or None where this key, the names or the times do not hold. Source: RFC 7523 3."""
    alg = ASSERTION_ALGS[jwk["kty"]]
    try:
        return jwt.decode(
            assertion,
            jwt.PyJWK(jwk, algorithm=alg),
            algorithms=[alg],
            audience=[issuer, f"{issuer}oauth/token"],
            issuer=client_id,
            subject=client_id,
            leeway=ASSERTION_LEEWAY_S,
            options={"require": ["exp", "iss", "sub", "aud", "jti"]},
        )
    except (jwt.PyJWTError, ValueError, OverflowError, RecursionError):
        return None
