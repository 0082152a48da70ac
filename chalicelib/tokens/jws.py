"""JWTs that KMS signs, the bytes that PyJWT would write: a login needs no import of PyJWT's (docs/adr/0041)."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chalicelib.errors import ServerError
from chalicelib.model.key import SigningKey
from chalicelib.store.aws.kms import MAX_MESSAGE_BYTES

ES256_INTEGER_BYTES = 32
# Signs with a key (ARN, alg) and returns what KMS returns: PKCS#1 v1.5 for RS256, DER for ES256.
Sign = Callable[[str, str, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A token before its signature. name: in the token response. signing_input: header and claims (RFC 7515 5.1)."""

    name: str
    key: SigningKey
    signing_input: bytes


def write_unsigned(name: str, payload: bytes, key: SigningKey, headers: Mapping[str, str]) -> Unsigned:
    """Return a token for `sign_token`; raises ServerError if it is over the 4096 bytes that KMS signs.

    payload: the claims as JSON. headers: beside `alg`.
    """
    header = json.dumps({"alg": key.alg, **headers}, separators=(",", ":"), sort_keys=True).encode()
    signing_input = b".".join((_encode(header), _encode(payload)))
    if len(signing_input) > MAX_MESSAGE_BYTES:
        reason = f"the {name} has {len(signing_input)} bytes to sign"
        raise ServerError("The login could not be completed.", reason=reason)
    return Unsigned(name, key, signing_input)


def sign_token(token: Unsigned, sign: Sign) -> str:
    """Return the token as a compact JWS. Source: RFC 7515 3.1, 7.1; RFC 7518 3.3, 3.4."""
    signature = sign(token.key.key_id, token.key.alg, token.signing_input)
    raw = _raw_signature(signature) if token.key.alg == "ES256" else signature
    return b".".join((token.signing_input, _encode(raw))).decode()


def _raw_signature(der: bytes) -> bytes:
    """Return r and s of a P-256 signature in DER, side by side; another form is an error. Source: RFC 3279 2.2.3."""
    r_end = 4 + int.from_bytes(der[3:4])
    r, s = der[4:r_end], der[r_end + 2 :]
    # A sequence of two integers, each with its tag and its length.
    if [*der[:3], *der[r_end : r_end + 2]] != [0x30, len(der) - 2, 2, 2, len(s)]:
        raise ValueError("KMS returned no ECDSA signature")
    return b"".join(int.from_bytes(part).to_bytes(ES256_INTEGER_BYTES) for part in (r, s))


def _encode(part: bytes) -> bytes:
    return urlsafe_b64encode(part).rstrip(b"=")
