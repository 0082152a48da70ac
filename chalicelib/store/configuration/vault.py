"""Stored secrets, sealed under data keys that only KMS can open (docs/adr/0013, 0026).

The vault seals second factors' secrets, and documents of the config table: the stage's key and the settings of rules.
"""

import hmac
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

from chalicelib.errors import ServerError
from chalicelib.store.aws.calls import Aws
from chalicelib.store.configuration.config import ConfigStore

NONCE_BYTES = 12
# The key of the stage key's document in the config table, and the owner that the vault binds it to.
STAGE_KEY = "stage_key"
STAGE_OWNER = "stage"


# The beginning of a stored data key that a multi-Region key sealed. The version before had keys of one Region.
_MULTI_REGION = "mrk:"
# The beginning of a stored key that many owners share, and the owner that KMS binds it to (docs/adr/0052).
_SHARED = "mrk-shared:"
SHARED_OWNER = "import"


def data_key_alias(stage: str) -> str:
    """Return the alias of a stage's key for data at rest. A replica in another Region has the same alias there."""
    return f"alias/gatehouse-{stage}-data-mrk"


def data_key_alias_before(stage: str) -> str:
    """Return the alias of the key of one Region that the version before sealed with; new stages have none."""
    return f"alias/gatehouse-{stage}-data"


def store_data_key(blob: bytes) -> str:
    """Return the stored form of a data key that the stage's multi-Region key sealed."""
    return _MULTI_REGION + b64encode(blob).decode()


def is_of_one_region(stored: str) -> bool:
    """Return whether only the key of the version before opens a stored data key."""
    return not stored.startswith((_MULTI_REGION, _SHARED))


def sealer_of(stage: str, stored: str) -> tuple[str, bytes]:
    """Return the alias of the KMS key that opens a stored data key, and what KMS has to open."""
    alias = data_key_alias_before(stage) if is_of_one_region(stored) else data_key_alias(stage)
    return alias, b64decode(stored.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class SharedKey:
    """One key for the secrets of many owners, so that KMS is called once for all of them. stored: its stored form."""

    key: bytes = field(repr=False)
    stored: str = field(repr=False)

    def data_key(self, owner: str) -> bytes:
        """Return the data key of one owner, which opens nothing of another. Source: NIST SP 800-108r1."""
        return hmac.digest(self.key, b"data key\0" + owner.encode(), "sha256")


@dataclass(slots=True, eq=False, repr=False)
class Vault:
    """Makes and opens the data keys of a stage.

    owner: whom a secret belongs to. Data key and sealed text are bound to it, so that neither opens for another owner.
    """

    aws: Aws
    stage: str

    def new_key(self, owner: str) -> tuple[bytes, str]:
        """Return a fresh data key and its stored form. One KMS call."""
        made = self.aws.call(
            "GenerateDataKey",
            KeyId=data_key_alias(self.stage),
            KeySpec="AES_256",
            EncryptionContext={"gatehouse": owner},
        )
        return made["Plaintext"], store_data_key(made["CiphertextBlob"])

    def new_shared_key(self) -> "SharedKey":
        """Return a fresh key that the data keys of many owners are derived from. One KMS call."""
        key, stored = self.new_key(SHARED_OWNER)
        return SharedKey(key, stored.replace(_MULTI_REGION, _SHARED, 1))

    def open_key(self, stored: str, owner: str) -> bytes:
        """Return the data key of its stored form. One KMS call."""
        if stored.startswith(_SHARED):
            return SharedKey(self._decrypt(stored, SHARED_OWNER), stored).data_key(owner)
        return self._decrypt(stored, owner)

    def _decrypt(self, stored: str, owner: str) -> bytes:
        alias, blob = sealer_of(self.stage, stored)
        context = {"gatehouse": owner}
        opened = self.aws.call("Decrypt", KeyId=alias, CiphertextBlob=blob, EncryptionContext=context)
        key: bytes = opened["Plaintext"]
        return key


@dataclass(slots=True, eq=False, repr=False)
class StageKey:
    """Computes keyed hashes, for values that are compared and never read.

    KMS seals the key in the config table. It never changes, so a process opens it once.
    """

    config: ConfigStore
    vault: Vault
    _key: bytes = field(default=b"", repr=False)

    def mac(self, purpose: str, data: bytes) -> bytes:
        """Return 32 bytes that only this stage can compute of the data.

        purpose: separates the hashes of one use from those of another. Raises ServerError if `gatehouse up` made no
        key, TemporarilyUnavailable if the key cannot be read. Source: RFC 2104.
        """
        return hmac.digest(self._open(), purpose.encode() + b"\0" + data, "sha256")

    def make(self) -> bool:
        """Store a new key if the stage has none; return False if it has one. For the tools."""
        if self.config.stage_key() is not None:
            return False
        _, stored = self.vault.new_key(STAGE_OWNER)
        return self.config.put_new(STAGE_KEY, {"data_key": stored})

    def _open(self) -> bytes:
        # Two threads may open it at once: both get the same key.
        if not self._key:
            document = self.config.stage_key()
            if document is None:
                raise ServerError("The service is not set up.", reason="the stage has no stage key: run gatehouse up")
            self._key = self.vault.open_key(document["data_key"], STAGE_OWNER)
        return self._key


def seal(data_key: bytes, text: str, owner: str) -> str:
    """Return a text sealed under a data key, with AES-256-GCM."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 (most logins seal nothing)

    nonce = secrets.token_bytes(NONCE_BYTES)
    return b64encode(nonce + AESGCM(data_key).encrypt(nonce, text.encode(), owner.encode())).decode()


def unseal(data_key: bytes, sealed: str, owner: str) -> str:
    """Return the text; raises ServerError if it was sealed for another owner, or changed."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 (as above)
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 (as above)

    try:
        raw = b64decode(sealed)
        return AESGCM(data_key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], owner.encode()).decode()
    except (InvalidTag, ValueError):
        raise ServerError("The request could not be completed.", reason="a sealed secret does not open") from None
