"""The stage's key: a secret of this stage alone, for what is recognised and never read again (docs/adr/0026)."""

import hmac
from dataclasses import dataclass, field

from chalicelib.errors import ServerError
from chalicelib.store.config import ConfigStore
from chalicelib.store.vault import Vault

KEY = "stage_key"
OWNER = "stage"


@dataclass(slots=True)
class StageKey:
    """Computes keyed hashes. KMS seals the key in the config table. It never changes, so a process opens it once."""

    config: ConfigStore
    vault: Vault
    _key: bytes = field(default=b"", repr=False)

    def mac(self, purpose: str, data: bytes) -> bytes:
        """Return 32 bytes that only this stage can compute of the data.

        purpose: keeps the hashes of one use apart from those of another. Raises ServerError if `gatehouse up` made no
        key, TemporarilyUnavailable if it cannot be read. Source: RFC 2104.
        """
        return hmac.digest(self._opened(), purpose.encode() + b"\0" + data, "sha256")

    def make(self) -> bool:
        """Store a new key if the stage has none, for the tools. Return False if it has one."""
        if self.config.stage_key() is not None:
            return False
        _, stored = self.vault.new_key(OWNER)
        return self.config.put_new(KEY, {"data_key": stored})

    def _opened(self) -> bytes:
        # Two threads may open it at once: both get the same key.
        if not self._key:
            document = self.config.stage_key()
            if document is None:
                raise ServerError("The service is not set up.", reason="the stage has no stage key: run gatehouse up")
            self._key = self.vault.open_key(document["data_key"], OWNER)
        return self._key
