"""The settings of rules, sealed in the config table under a data key that only KMS can open (docs/adr/0013, 0031)."""

import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.clock import Clock
from chalicelib.store.cache import shorten
from chalicelib.store.configuration.config import CACHE_LIFETIME_S, ConfigStore
from chalicelib.store.configuration.documents import Document
from chalicelib.store.configuration.vault import Vault, seal, unseal
from chalicelib.store.dynamo import UPDATE_TRIES

# The key of the document that lists the names, and the owner that the vault binds the data key to.
RULE_SETTINGS = "rule_settings"
RULES_OWNER = "rules"
# The name of the one document of the version before. No setting has it.
_ALL = ""


@dataclass(slots=True, eq=False, repr=False)
class RuleSettings:
    """Reads and writes the settings of rules: a document each, sealed by itself, and one that lists their names.

    lifetime_s: how long they are cached together, at most. choose: as of ConfigStore. If there are none, that is cached
    too: every login asks for them. The version before had all settings in the list's document, sealed as one text.
    """

    config: ConfigStore
    vault: Vault
    clock: Clock
    lifetime_s: int = CACHE_LIFETIME_S
    choose: Callable[[int], int] = secrets.randbelow
    _read_until: float = 0
    _stored: dict[str, Document] = field(default_factory=dict, repr=False)
    _values: dict[str, str] = field(default_factory=dict, repr=False)

    def names(self) -> set[str]:
        """Return the names of the settings, for the tools. Nothing is opened but what the version before wrote."""
        stored = self._read_stored()
        return set(self.read()) if _ALL in stored else set(stored)

    def read(self) -> dict[str, str]:
        """Return the settings by name. KMS is called only if they have changed since the last time."""
        now = self.clock.now_s()
        if now >= self._read_until:
            stored = self._read_stored()
            if stored != self._stored:
                self._values, self._stored = self._open(stored), stored
            self._read_until = now + shorten(self.lifetime_s, self.choose)
        return self._values

    def put(self, name: str, value: str) -> None:
        """Store one setting, for the tools, under the data key of the others: a process opens one key."""
        if _ALL in self._read_stored():
            return self.write(self.read() | {name: value})
        self._seal({name: value}, *self._find_key())
        return self._list(lambda names: names | {name})

    def delete(self, name: str) -> bool:
        """Delete one setting, for the tools; return False if there is none of this name."""
        stored = self._read_stored()
        if _ALL in stored:
            self.write(self.read())
            stored = self._read_stored()
        if name not in stored:
            return False
        self._list(lambda names: names - {name})
        self.config.delete(_key_of(name))
        return True

    def write(self, values: dict[str, str]) -> None:
        """Replace all settings by these, under a fresh data key. For the tools."""
        gone = self._read_stored().keys() - values.keys() - {_ALL}
        self._seal(values, *self.vault.new_key(RULES_OWNER))
        self._list(lambda _: set(values))
        for name in gone:
            self.config.delete(_key_of(name))

    def _read_stored(self) -> dict[str, Document]:
        """Return the sealed document of each setting by its name; of the version before, the one of _ALL."""
        (listed,) = self.config.read_fresh(RULE_SETTINGS)
        if listed is None or "sealed" in listed:
            return {_ALL: listed} if listed and listed["sealed"] else {}
        found = self.config.read_fresh(*map(_key_of, listed["names"]))
        # A name without a document was deleted meanwhile.
        return {name: document for name, document in zip(listed["names"], found, strict=True) if document}

    def _open(self, stored: dict[str, Document]) -> dict[str, str]:
        data_keys = {document["data_key"] for document in stored.values()}
        opened = {data_key: self.vault.open_key(data_key, RULES_OWNER) for data_key in data_keys}
        values = {
            name: unseal(opened[document["data_key"]], document["sealed"], _owner_of(name))
            for name, document in stored.items()
        }
        all_values: dict[str, str] = json.loads(values.pop(_ALL, "{}"))
        return values | all_values

    def _seal(self, values: dict[str, str], data_key: bytes, stored: str) -> None:
        for name, value in values.items():
            sealed = seal(data_key, value, _owner_of(name))
            self.config.put(_key_of(name), {"data_key": stored, "sealed": sealed})

    def _find_key(self) -> tuple[bytes, str]:
        """Return the data key of a stored setting, or a fresh one if there is none that opens; and its stored form."""
        for document in self._read_stored().values():
            with suppress(TemporarilyUnavailable):
                return self.vault.open_key(document["data_key"], RULES_OWNER), document["data_key"]
        return self.vault.new_key(RULES_OWNER)

    def _list(self, change: Callable[[set[str]], set[str]]) -> None:
        """Change the list of names, whoever else changes it at the same time."""
        for _ in range(UPDATE_TRIES):
            (before,) = self.config.read_fresh(RULE_SETTINGS)
            names = sorted(change(set((before or {}).get("names", ()))))
            if self.config.replace(RULE_SETTINGS, before, {"names": names}):
                return
        raise TemporarilyUnavailable(reason="put_item: the list of rule settings kept changing")


def _key_of(name: str) -> str:
    return f"rule_setting#{name}"


def _owner_of(name: str) -> str:
    return RULES_OWNER if name == _ALL else f"{RULES_OWNER}#{name}"
