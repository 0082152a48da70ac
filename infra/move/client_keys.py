"""Read the public keys of a client that signs its assertions."""

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from infra.move.entry import Entry

MEMBERS = ("kty", "n", "e", "crv", "x", "y", "kid", "alg", "use")


def public_keys(entry: Entry) -> list[dict[str, Any]]:
    """Return the public keys of a client of the export as JWKs, by its `jwks` or the PEM of its credentials."""
    jwks = entry.values.get("jwks")
    listed = jwks.get("keys") if isinstance(jwks, dict) else None
    keys = [_public(key) for key in listed or [] if isinstance(key, dict) and key.get("kty") in ("RSA", "EC")]
    methods = entry.values.get("client_authentication_methods")
    signed = methods.get("private_key_jwt") if isinstance(methods, dict) else None
    credentials = signed.get("credentials") if isinstance(signed, dict) else None
    for credential in credentials if isinstance(credentials, list) else ():
        pem = credential.get("pem") if isinstance(credential, dict) else None
        key = _from_pem(pem) if isinstance(pem, str) else None
        if key:
            alg = credential.get("alg")
            keys.append(key | ({"alg": alg} if alg in ("RS256", "PS256") and key["kty"] == "RSA" else {}))
    return keys[:10]


def _public(key: dict[str, Any]) -> dict[str, Any]:
    return {name: key[name] for name in MEMBERS if isinstance(key.get(name), str)}


def _from_pem(pem: str) -> dict[str, Any] | None:
    """Return the JWK of a public key or a certificate, or None if it is none of the two."""
    try:
        if "CERTIFICATE" in pem:
            key: object = load_pem_x509_certificate(pem.encode()).public_key()
        else:
            key = load_pem_public_key(pem.encode())
    except (ValueError, TypeError):
        return None
    if isinstance(key, RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _base64url(numbers.n), "e": _base64url(numbers.e)}
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name == "secp256r1":
        point = key.public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": _base64url(point.x, 32), "y": _base64url(point.y, 32)}
    return None


def _base64url(number: int, length: int = 0) -> str:
    size = length or (number.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(number.to_bytes(size, "big")).rstrip(b"=").decode()
