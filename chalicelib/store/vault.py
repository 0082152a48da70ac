"""Secrets at rest: sealed with AES-256-GCM under data keys, which only KMS can open (docs/adr/0013)."""

import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chalicelib.errors import ServerError
from chalicelib.store.aws import call

if TYPE_CHECKING:
    from mypy_boto3_kms.client import KMSClient

NONCE_BYTES = 12


def data_key_alias(stage: str) -> str:
    """Return the alias of a stage's key for data at rest."""
    return f"alias/gatehouse-{stage}-data"


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals and opens. key_id: the KMS key, by its alias.

    owner: who a secret belongs to; it is bound to the data key and to what is sealed, so that neither opens elsewhere.
    """

    kms: "KMSClient"
    key_id: str

    def new_key(self, owner: str) -> tuple[bytes, str]:
        """Return a fresh data key, and the form of it that is stored. One KMS call."""
        made = call(
            self.kms.generate_data_key,
            KeyId=self.key_id,
            KeySpec="AES_256",
            EncryptionContext={"gatehouse": owner},
        )
        return made["Plaintext"], b64encode(made["CiphertextBlob"]).decode()

    def open_key(self, stored: str, owner: str) -> bytes:
        """Return the data key of its stored form. One KMS call."""
        blob = b64decode(stored)
        opened = call(self.kms.decrypt, KeyId=self.key_id, CiphertextBlob=blob, EncryptionContext={"gatehouse": owner})
        return opened["Plaintext"]


def seal(data_key: bytes, text: str, owner: str) -> str:
    """Return a text sealed under a data key."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return b64encode(nonce + AESGCM(data_key).encrypt(nonce, text.encode(), owner.encode())).decode()


def unseal(data_key: bytes, sealed: str, owner: str) -> str:
    """Return the text; raises ServerError where it was sealed for another owner, or changed."""
    raw = b64decode(sealed)
    try:
        return AESGCM(data_key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], owner.encode()).decode()
    except InvalidTag:
        raise ServerError("The request could not be completed.", reason="a sealed secret does not open") from None
