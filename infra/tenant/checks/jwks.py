"""Check that a JWK of the tenant file is a public key that can verify a client assertion."""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from chalicelib.assertions import ALGS
from infra.tenant.checks.partial import Findings, take_readable
from infra.tenant.schema import Jwk
from infra.tenant.yaml_lines import Steps

MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
VERIFY = "verify"
MIN_RSA_BITS = 2048


def key_faults(path: Steps, key: Jwk) -> Findings:
    """Yield the path and message of each fault of one key. Other members are allowed (RFC 7517 4)."""
    yield from take_readable(_use(path, key))
    yield from take_readable(_members(path, key))


def _use(path: Steps, key: Jwk) -> Findings:
    uses: Any = key.key_ops
    if "key_ops" in key.model_fields_set and uses != VERIFY and not (isinstance(uses, list) and VERIFY in uses):
        yield (*path, "key_ops"), "the key is for another use: `key_ops` must hold `verify`, or be left out"


def _members(path: Steps, key: Jwk) -> Findings:
    given = {"kty": key.kty, "alg": key.alg, "n": key.n, "e": key.e, "crv": key.crv, "x": key.x, "y": key.y}
    if mend := _find_mend({name: text for name, text in given.items() if text is not None}):
        yield path, mend


def _find_mend(jwk: Mapping[str, str]) -> str | None:
    """Return the mend of a faulty key. Return None if it is sound, or if its form has a fault already.

    Source: RFC 7518 3.3 (RSA keys have 2048 bits or more), 6.2.1, 6.3.1.
    """
    kty = jwk.get("kty", "")
    if kty not in MEMBERS:
        return None
    members, algs = MEMBERS[kty], ALGS[kty]
    missing = [name for name in members if name not in jwk]
    foreign = [name for names in MEMBERS.values() for name in names if name in jwk and name not in members]
    if missing:
        return f"an {kty} key needs `{'`, `'.join(missing)}`: add it from the client's public key"
    if foreign:
        return f"an {kty} key has no `{'`, `'.join(foreign)}`: take it out"
    if jwk.get("alg", algs[0]) not in algs:
        return f"an {kty} key here signs with {' or '.join(algs)}: write `alg: {algs[0]}`, or take `alg` out"
    return _load_mend({name: jwk[name] for name in ("kty", *members)}, algs[0])


def _load_mend(jwk: dict[str, str], alg: str) -> str | None:
    try:
        key = PyJWK(jwk, algorithm=alg).key
    except (PyJWTError, ValueError):
        return f"no valid {jwk['kty']} public key: copy its members anew, base64url without line breaks"
    if isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        return f"an RSA key of {key.key_size} bits is too short: make one of {MIN_RSA_BITS} bits or more"
    return None
