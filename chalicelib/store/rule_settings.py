"""The settings that a team keeps for its rules: sealed in the config table, opened once per change."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib.store.config import CACHE_LIFETIME_S, ConfigStore
from chalicelib.store.vault import Vault, seal, unseal

KEY = "rule_settings"
OWNER = "rules"


@dataclass(slots=True)
class RuleSettings:
    """Reads and writes the settings. clock: epoch seconds. lifetime_s: how long what was read is believed.

    That there are none is remembered too: it is one key, and every login asks for it.
    """

    config: ConfigStore
    vault: Vault
    clock: Callable[[], float]
    lifetime_s: int = CACHE_LIFETIME_S
    _read_until: float = 0
    _sealed: str = ""
    _values: dict[str, str] = field(default_factory=dict, repr=False)

    def read(self) -> dict[str, str]:
        """Return the settings by name. KMS is asked only where they are not those of the last time."""
        now = self.clock()
        if now >= self._read_until:
            document = self.config.rule_settings() or {"sealed": ""}
            if document["sealed"] != self._sealed:
                self._values = self._opened(document)
                self._sealed = document["sealed"]
            self._read_until = now + self.lifetime_s
        return self._values

    def write(self, values: dict[str, str]) -> None:
        """Store these settings and no others, under a fresh data key; for the tools."""
        data_key, stored = self.vault.new_key(OWNER)
        self.config.put(KEY, {"data_key": stored, "sealed": seal(data_key, json.dumps(values), OWNER)})

    def _opened(self, document: dict[str, str]) -> dict[str, str]:
        if not document["sealed"]:
            return {}
        data_key = self.vault.open_key(document["data_key"], OWNER)
        values: dict[str, str] = json.loads(unseal(data_key, document["sealed"], OWNER))
        return values
