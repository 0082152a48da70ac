"""A client's assertion: a JWT signed by one of its keys, for this server and a short time (RFC 7523 3)."""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.compact_jws import is_compact_jws
from chalicelib.identifiers import is_text
from chalicelib.model.tenant import Client

if TYPE_CHECKING:
    from jwt.types import Options

ALGS = {"RSA": ("RS256", "PS256"), "EC": ("ES256",)}
SUPPORTED_ALGS = ("RS256", "ES256", "PS256")
LIFETIME_S = 300
LEEWAY_S = 10
MAX_LENGTH = 4096
MAX_JTI_LENGTH = 256
TIMES = ("exp", "iat", "nbf")
# PyJWT verifies only the signature: it reads the machine's clock, and accepts our aud among foreign ones.
UNJUDGED: "Options" = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class BadAssertion(Exception):
    """An assertion is not valid. The message names the check that failed, and no value."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The claims that an assertion must have. audiences: the names of this server. now: epoch seconds."""

    client: Client
    audiences: frozenset[str]
    now: float


def subject_of(assertion: str) -> str:
    """Return an assertion's sub, to find the client and its keys; raises BadAssertion. Nothing is verified yet."""
    import jwt  # noqa: PLC0415 (PyJWT and cryptography take 40 ms, and a login by a secret verifies no JWT)

    if len(assertion) > MAX_LENGTH:
        raise BadAssertion("it is too long")
    if not is_compact_jws(assertion):
        raise BadAssertion("it is no JWT of three base64url parts")
    try:
        subject = jwt.decode(assertion, options={"verify_signature": False}).get("sub")
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise BadAssertion("it cannot be read") from None
    if not is_text(subject):
        raise BadAssertion("it has no sub")
    return subject


def verify_assertion(assertion: str, expected: Expected) -> dict[str, Any]:
    """Return the claims of a valid assertion; raises BadAssertion. The caller must check that its jti is unused."""
    claims = _verify_signature(assertion, expected.client.jwks)
    for fault in (*_name_faults(claims, expected), *_time_faults(claims, expected.now)):
        raise BadAssertion(fault)
    return claims


def _verify_signature(assertion: str, jwks: tuple[dict[str, str], ...]) -> dict[str, Any]:
    """Return the claims that one of these keys signed. A key with an `alg` member signs with that one only."""
    import jwt  # noqa: PLC0415 (as above)

    try:
        alg: Any = jwt.get_unverified_header(assertion).get("alg")
        fitting = [jwk for jwk in jwks if alg in ALGS[jwk["kty"]] and jwk.get("alg", alg) == alg]
        if not fitting:
            raise BadAssertion("its alg fits no key of the client")
        for jwk in fitting:
            with suppress(jwt.InvalidSignatureError):
                return jwt.decode(assertion, jwt.PyJWK(jwk, algorithm=alg), algorithms=[alg], options=UNJUDGED)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise BadAssertion("it cannot be read") from None
    raise BadAssertion("no key of the client has signed it")


def _name_faults(claims: dict[str, Any], expected: Expected) -> Iterator[str]:
    """Yield each failed check of a name. Every audience must be ours, as another server could replay it here."""
    aud, jti = claims.get("aud"), claims.get("jti")
    audiences = aud if isinstance(aud, list) else [aud]
    if claims.get("iss") != expected.client.client_id:
        yield "iss is not the client_id"
    if claims.get("sub") != expected.client.client_id:
        yield "sub is not the client_id"
    if not audiences or not all(isinstance(one, str) and one in expected.audiences for one in audiences):
        yield "aud is missing, or names another server"
    if not is_text(jti) or not 0 < len(jti) <= MAX_JTI_LENGTH:
        yield "jti is missing, empty, too long or no text"


def _time_faults(claims: dict[str, Any], now: float) -> Iterator[str]:
    """Yield each failed check of a time. `iat` says how old it is, not whether it is valid (RFC 7519 4.1.6)."""
    wrong = [name for name in TIMES if not _is_number({"iat": 0, "nbf": 0, **claims}.get(name))]
    if wrong:
        yield f"{wrong[0]} is no number"
        return
    if claims["exp"] <= now - LEEWAY_S:
        yield "exp is over"
    if claims["exp"] > now + LIFETIME_S + LEEWAY_S:
        yield "exp is too far ahead"
    if claims.get("nbf", 0) > now + LEEWAY_S:
        yield "nbf lies ahead"


def _is_number(value: object) -> bool:
    """Return whether this is a NumericDate (RFC 7519 2); JSON's true and Python's NaN are none."""
    return type(value) is int or (isinstance(value, float) and math.isfinite(value))
