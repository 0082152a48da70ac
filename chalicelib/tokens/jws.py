"""KMS as an algorithm of PyJWT: PyJWT writes the JWT, KMS signs it (docs/adr/0006)."""

import json
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from jwt.algorithms import Algorithm
from jwt.api_jws import PyJWS
from jwt.utils import der_to_raw_signature

from chalicelib.errors import ServerError
from chalicelib.model.key import SigningKey
from chalicelib.store.aws.kms import MAX_MESSAGE_BYTES, Kms


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A token before its signature. name: in the token response. payload: its claims as JSON. headers: beside `alg`."""

    name: str
    payload: bytes
    key: SigningKey
    headers: dict[str, str]


def require_signable(token: Unsigned) -> None:
    """Raise ServerError if a token is over the 4096 bytes that KMS signs."""
    header = json.dumps({"alg": token.key.alg, **token.headers}, separators=(",", ":")).encode()
    length = sum(-(-4 * len(part) // 3) for part in (header, token.payload)) + 1
    if length > MAX_MESSAGE_BYTES:
        raise ServerError("The login could not be completed.", reason=f"the {token.name} has {length} bytes to sign")


class KmsAlgorithm(Algorithm):
    """Signs with KMS, and does nothing else. Its keys are SigningKeys."""

    def __init__(self, kms: Kms) -> None:
        """kms: has the private keys."""
        self._kms = kms

    def prepare_key(self, key: Any) -> SigningKey:
        """Return the key as it is; raises TypeError for anything but a SigningKey."""
        if not isinstance(key, SigningKey):
            raise TypeError("KMS signs with a SigningKey")
        return key

    def sign(self, msg: bytes, key: SigningKey) -> bytes:
        """Return the JWS signature (RFC 7518 3.3, 3.4); raises ServerError over the 4096 bytes that KMS takes."""
        if len(msg) > MAX_MESSAGE_BYTES:
            raise ServerError("The login could not be completed.", reason=f"a token of {len(msg)} bytes to sign")
        signature = self._kms.sign(key.key_arn, key.alg, msg)
        return der_to_raw_signature(signature, SECP256R1()) if key.alg == "ES256" else signature

    def verify(self, msg: bytes, key: Any, sig: bytes) -> bool:
        """Refuse: tokens are verified with the public keys, without KMS."""
        raise TypeError("KMS only signs here")

    @staticmethod
    def to_jwk(key_obj: Any, as_dict: bool = False) -> Any:
        """Refuse: the public keys are in the configuration."""
        raise TypeError("KMS keys have no private JWK")

    @staticmethod
    def from_jwk(jwk: Any) -> Any:
        """Refuse: as above."""
        raise TypeError("KMS keys have no private JWK")


def kms_jws(kms: Kms) -> PyJWS:
    """Return a JWS writer that signs RS256 and ES256 with KMS, and knows no other algorithm."""
    jws = PyJWS(algorithms=[])
    for alg in ("RS256", "ES256"):
        jws.register_algorithm(alg, KmsAlgorithm(kms))
    return jws
