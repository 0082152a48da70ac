"""Whether a JWK of the tenant file is a public key that a client assertion can be verified with."""

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
ALGS = {"RSA": "RS256", "EC": "ES256"}
MIN_RSA_BITS = 2048


def jwk_mend(jwk: Mapping[str, str]) -> str | None:
    """Return what is to be mended, or None where the key is sound or its form is at fault anyway.

    jwk: all members are text.

    Source: RFC 7518 3.3 (RSA keys have 2048 bits or more), 6.2.1, 6.3.1.
    """
    kty = jwk.get("kty", "")
    if kty not in MEMBERS:
        return None
    members, alg = MEMBERS[kty], ALGS[kty]
    missing = [name for name in members if name not in jwk]
    foreign = [name for names in MEMBERS.values() for name in names if name in jwk and name not in members]
    if missing:
        return f"an {kty} key needs `{'`, `'.join(missing)}`: add it from the client's public key"
    if foreign:
        return f"an {kty} key has no `{'`, `'.join(foreign)}`: take it out"
    if jwk.get("alg", alg) != alg:
        return f"an {kty} key here signs with {alg}: write `alg: {alg}`, or take `alg` out"
    return _load_mend({name: jwk[name] for name in ("kty", *members)}, alg)


def _load_mend(jwk: dict[str, str], alg: str) -> str | None:
    try:
        key = PyJWK(jwk, algorithm=alg).key
    except (PyJWTError, ValueError):
        return f"no valid {jwk['kty']} public key: copy its members anew, base64url without line breaks"
    if isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        return f"an RSA key of {key.key_size} bits is too short: make one of {MIN_RSA_BITS} bits or more"
    return None
