"""KMS signs bytes with a key that never leaves it."""

from dataclasses import dataclass
from typing import Literal

from chalicelib.store.aws.calls import Aws

MAX_MESSAGE_BYTES = 4096
_ALGORITHMS: dict[str, Literal["RSASSA_PKCS1_V1_5_SHA_256", "ECDSA_SHA_256"]] = {
    "RS256": "RSASSA_PKCS1_V1_5_SHA_256",
    "ES256": "ECDSA_SHA_256",
}


@dataclass(frozen=True, slots=True)
class Kms:
    """Signs with asymmetric keys."""

    aws: Aws

    def sign(self, key_id: str, alg: str, message: bytes) -> bytes:
        """Return KMS's signature of at most MAX_MESSAGE_BYTES: PKCS#1 v1.5 for RS256, DER for ES256."""
        answer = self.aws.call(
            "Sign",
            KeyId=key_id,
            Message=message,
            MessageType="RAW",
            SigningAlgorithm=_ALGORITHMS[alg],
        )
        signature: bytes = answer["Signature"]
        return signature
