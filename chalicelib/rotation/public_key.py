"""The published form of a KMS key."""

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

# The members that an RFC 7638 thumbprint is computed from.
REQUIRED_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}


def public_jwk(der: bytes, alg: str) -> dict[str, str]:
    """Return the public JWK of a DER SubjectPublicKeyInfo, with kid, alg and use. Source: RFC 7517 4."""
    key = load_der_public_key(der)
    if isinstance(key, RSAPublicKey):
        jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
    elif isinstance(key, EllipticCurvePublicKey):
        jwk = ECAlgorithm.to_jwk(key, as_dict=True)
    else:
        raise TypeError(f"no key for {alg}")
    members = {name: str(jwk[name]) for name in REQUIRED_MEMBERS[str(jwk["kty"])]}
    return members | {"kid": thumbprint(members), "alg": alg, "use": "sig"}


def thumbprint(members: dict[str, Any]) -> str:
    """Return the RFC 7638 thumbprint of a JWK's required members: base64url of SHA-256 over their canonical JSON."""
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    return urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
