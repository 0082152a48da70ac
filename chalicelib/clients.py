"""Client authentication, only by the method that the client is registered for (RFC 6749 2.3, RFC 7523)."""

import binascii
import hashlib
import hmac
from base64 import b64decode
from dataclasses import dataclass, field
from itertools import product
from urllib.parse import unquote_plus

from chalicelib.assertions import LEEWAY_S, BadAssertion, Expected, subject_of, verify_assertion
from chalicelib.errors import InvalidClient, InvalidRequest, echo
from chalicelib.model.clock import Clock
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client
from chalicelib.protection.client import ClientGuard
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.sessions import UsedNames

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PRIVATE_KEY_JWT = "private_key_jwt"
SECRET_METHODS = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True, slots=True)
class _Credentials:
    """The client credentials in a request. method: the one in use. pairs: ID and secret, for each way to read them."""

    method: str
    pairs: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def is_guessable(self) -> bool:
        """Whether the method sends a secret, which can be guessed."""
        return self.method in SECRET_METHODS


@dataclass(slots=True, eq=False, repr=False)
class ClientAuthenticator:
    """Authenticates the client of a request."""

    config: ConfigStore
    used_names: UsedNames
    guard: ClientGuard
    clock: Clock

    def authenticate(self, request: Request) -> Client:
        """Return the authenticated client.

        Raises InvalidRequest for two methods at once; TooManyAttempts for an address that failed too often at this
        client, or at unknown client_ids; InvalidClient for every other failure.
        """
        credentials = _read_credentials(request)
        request.outcome.client_id = echo(credentials.pairs[0][0])
        reason, failed_at = "no client of that id", ""
        for client_id, proof in credentials.pairs:
            client = self.config.client(client_id)
            if client is None:
                continue
            request.outcome.client_id = echo(client_id)
            if credentials.is_guessable:
                self.guard.require_room(request.source_ip, client_id)
            if self._is_proved(client, credentials.method, proof, request):
                return client
            reason, failed_at = _reason(client, credentials.method), client_id
        # A signed assertion cannot be guessed, and a client that retries one must not shut others out.
        if credentials.method != PRIVATE_KEY_JWT:
            self.guard.fail(request.source_ip, failed_at)
        raise InvalidClient(reason=reason)

    def identify(self, request: Request) -> tuple[Client, Request]:
        """Return the client of a call that needs no authentication, and the request with the address that counts.

        A client that proves itself all the same must do it right; only then its auth0-forwarded-for counts. Raises
        InvalidRequest, InvalidClient, TooManyAttempts.
        """
        if request.has_authorization("basic") or {"client_secret", "client_assertion"} & set(request.params):
            client = self.authenticate(request)
            return client, request.with_forwarded_address(client)
        client_id = request.require("client_id")
        request.outcome.client_id = echo(client_id)
        found = self.config.client(client_id)
        if found is None:
            self.guard.fail(request.source_ip, "")
            raise InvalidClient(reason="no client of that id")
        return found, request

    def _is_proved(self, client: Client, method: str, proof: str, request: Request) -> bool:
        """Return whether the proof is right, and sent by the client's own method.

        Raises InvalidClient for a right secret that was sent by another method: this failure is no guess.
        """
        has_secret = method in SECRET_METHODS and self._has_secret(client, proof)
        if client.token_endpoint_auth_method != method:
            if has_secret:
                raise InvalidClient(reason=_reason(client, method))
            return False
        return has_secret or method == "none" or (method == PRIVATE_KEY_JWT and self._holds(client, proof, request))

    def _has_secret(self, client: Client, secret: str) -> bool:
        digest = hashlib.sha256(secret.encode()).hexdigest()
        now = self.clock.now_s()
        live = [one for one in client.secrets if one.expires_at is None or one.expires_at > now]
        return sum(hmac.compare_digest(digest, one.sha256) for one in live) > 0

    def _holds(self, client: Client, assertion: str, request: Request) -> bool:
        """Return True for a valid assertion of the client that was not used before; raises InvalidClient if not."""
        now = self.clock.now_s()
        try:
            claims = verify_assertion(assertion, Expected(client, _audiences(client, request), now))
        except BadAssertion as fault:
            raise InvalidClient(reason=f"the client_assertion does not hold: {fault}") from None
        name = f"jti#{client.client_id}#{hashlib.sha256(claims['jti'].encode()).hexdigest()}"
        # An assertion is accepted until its leeway ends, so its jti must be remembered as long.
        if not self.used_names.use_once(name, int(now), int(claims["exp"]) + LEEWAY_S + 1):
            raise InvalidClient(reason="the client_assertion does not hold: its jti was used before")
        return True


def _reason(client: Client, method: str) -> str:
    own = client.token_endpoint_auth_method
    return "the client's proof does not hold" if own == method else f"the client is registered for {own}, not {method}"


def _audiences(client: Client, request: Request) -> frozenset[str]:
    """Return the audiences that an assertion may have: the issuer, the token endpoint, and the request's URL."""
    issuer = request.issuer
    if client.strict_audience:
        return frozenset({issuer})
    return frozenset({issuer, f"{issuer}oauth/token", issuer + request.path.removeprefix("/")})


def _read_credentials(request: Request) -> _Credentials:
    # Another scheme than Basic is no client authentication: proxies and gateways use the header as well.
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
    return _Credentials("none" if secret is None else "client_secret_post", ((client_id, secret or ""),))


def _basic(request: Request) -> _Credentials:
    """Return the credentials of HTTP Basic.

    RFC 6749 form-encodes ID and secret first, but some clients encode neither, or only one: each is read both ways.
    A client_id in the body says which colon ends the ID.
    """
    encoded, named = request.authorization.partition(" ")[2], request.params.get("client_id")
    try:
        text = _text(b64decode(encoded.strip(), validate=True))
    except (binascii.Error, ValueError):
        raise InvalidClient(reason="the Authorization header cannot be read") from None
    if ":" not in text:
        raise InvalidClient(reason="the Authorization header holds no Basic credentials")
    client_id, _, secret = text.partition(":")
    if named is not None and text.startswith(f"{named}:"):
        client_id, secret = named, text.removeprefix(f"{named}:")
    readings = product((unquote_plus(client_id), client_id), (unquote_plus(secret), secret))
    pairs = tuple(dict.fromkeys(pair for pair in readings if named in (None, pair[0])))
    if not pairs:
        raise InvalidRequest("client_id differs from the one in the Authorization header.")
    return _Credentials("client_secret_basic", pairs)


def _text(decoded: bytes) -> str:
    """Return the text in UTF-8 (RFC 7617 2.1), else in Latin-1, which some clients send without form-encoding."""
    try:
        return decoded.decode()
    except UnicodeDecodeError:
        return decoded.decode("latin-1")


def _assertion(request: Request) -> _Credentials:
    if request.require("client_assertion_type") != ASSERTION_TYPE:
        raise InvalidClient(reason="unknown client_assertion_type")
    assertion = request.params["client_assertion"]
    try:
        client_id = subject_of(assertion)
    except BadAssertion as fault:
        raise InvalidClient(reason=f"the client_assertion does not hold: {fault}") from None
    if request.params.get("client_id", client_id) != client_id:
        raise InvalidRequest("client_id differs from the one in the client_assertion.")
    return _Credentials(PRIVATE_KEY_JWT, ((client_id, assertion),))
