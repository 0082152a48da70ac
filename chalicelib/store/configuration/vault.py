"""Stored secrets, sealed under data keys that only KMS can open (docs/adr/0013, 0026).

The vault seals second factors' secrets, and two documents of the config table: the stage's key and the rules' settings.
"""

import hmac
import json
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

from chalicelib.errors import ServerError
from chalicelib.model.clock import Clock
from chalicelib.store.aws.calls import Aws
from chalicelib.store.configuration.config import CACHE_LIFETIME_S, ConfigStore

NONCE_BYTES = 12
# The keys of the sealed documents in the config table, and the owners that the vault binds them to.
STAGE_KEY = "stage_key"
STAGE_OWNER = "stage"
RULE_SETTINGS = "rule_settings"
RULES_OWNER = "rules"


def data_key_alias(stage: str) -> str:
    """Return the alias of a stage's key for data at rest."""
    return f"alias/gatehouse-{stage}-data"


@dataclass(slots=True, eq=False, repr=False)
class Vault:
    """Makes and opens data keys. key_id: the alias of the KMS key.

    owner: whom a secret belongs to. Data key and sealed text are bound to it, so that neither opens for another owner.
    """

    aws: Aws
    key_id: str

    def new_key(self, owner: str) -> tuple[bytes, str]:
        """Return a fresh data key and its stored form. One KMS call."""
        made = self.aws.call(
            "GenerateDataKey",
            KeyId=self.key_id,
            KeySpec="AES_256",
            EncryptionContext={"gatehouse": owner},
        )
        return made["Plaintext"], b64encode(made["CiphertextBlob"]).decode()

    def open_key(self, stored: str, owner: str) -> bytes:
        """Return the data key of its stored form. One KMS call."""
        blob = b64decode(stored)
        context = {"gatehouse": owner}
        opened = self.aws.call("Decrypt", KeyId=self.key_id, CiphertextBlob=blob, EncryptionContext=context)
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


@dataclass(slots=True, eq=False, repr=False)
class RuleSettings:
    """Reads and writes the settings of rules. lifetime_s: how long they are cached.

    If there are none, that is cached too: every login asks for them.
    """

    config: ConfigStore
    vault: Vault
    clock: Clock
    lifetime_s: int = CACHE_LIFETIME_S
    _read_until: float = 0
    _sealed: str = ""
    _values: dict[str, str] = field(default_factory=dict, repr=False)

    def read(self) -> dict[str, str]:
        """Return the settings by name. KMS is called only if they have changed since the last time."""
        now = self.clock.now_s()
        if now >= self._read_until:
            document = self.config.rule_settings() or {"sealed": ""}
            if document["sealed"] != self._sealed:
                self._values = self._open(document)
                self._sealed = document["sealed"]
            self._read_until = now + self.lifetime_s
        return self._values

    def write(self, values: dict[str, str]) -> None:
        """Replace all settings by these, under a fresh data key. For the tools."""
        data_key, stored = self.vault.new_key(RULES_OWNER)
        self.config.put(RULE_SETTINGS, {"data_key": stored, "sealed": seal(data_key, json.dumps(values), RULES_OWNER)})

    def _open(self, document: dict[str, str]) -> dict[str, str]:
        if not document["sealed"]:
            return {}
        data_key = self.vault.open_key(document["data_key"], RULES_OWNER)
        values: dict[str, str] = json.loads(unseal(data_key, document["sealed"], RULES_OWNER))
        return values


def seal(data_key: bytes, text: str, owner: str) -> str:
    """Return a text sealed under a data key, with AES-256-GCM."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 (most logins seal nothing)

    nonce = secrets.token_bytes(NONCE_BYTES)
    return b64encode(nonce + AESGCM(data_key).encrypt(nonce, text.encode(), owner.encode())).decode()


def unseal(data_key: bytes, sealed: str, owner: str) -> str:
    """Return the text; raises ServerError if it was sealed for another owner, or changed."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 (as above)
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 (as above)

    raw = b64decode(sealed)
    try:
        return AESGCM(data_key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], owner.encode()).decode()
    except InvalidTag:
        raise ServerError("The request could not be completed.", reason="a sealed secret does not open") from None
