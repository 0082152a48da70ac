"""Read one entry of an export, key by key, and note in the ledger what became of each."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from infra.move.ledger import Ledger

T = TypeVar("T")
LABEL_LIMIT = 100


@dataclass(slots=True, eq=False, repr=False)
class Entry:
    """An object of an export. key: of its section, with dots. name: as the report shows it."""

    key: str
    values: dict[str, Any]
    name: str
    ledger: Ledger

    def below(self, key: str) -> "Entry":
        """Return the object at a key, an empty one if there is none."""
        return Entry(f"{self.key}.{key}", self.take(key, dict) or {}, self.name, self.ledger)

    def take(self, key: str, kind: type[T]) -> T | None:
        """Return the value of a key, or None if it is absent or of another type."""
        value = self.values.get(key)
        # A bool is an int in Python, and no number in an export.
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        if key in self.values:
            self.approximate(key, "has no such value here, so the default holds")
        return None

    def take_same(self, key: str, kind: type[T]) -> T | None:
        """Return the value of a key that means the same here."""
        value = self.take(key, kind)
        if value is not None:
            self.apply(key)
        return value

    def texts(self, key: str) -> list[str]:
        """Return the texts of a list, each once."""
        return list(dict.fromkeys(one for one in self.take(key, list) or () if isinstance(one, str)))

    def apply(self, *keys: str) -> None:
        """Note that keys mean the same here."""
        self.ledger.apply(*(f"{self.key}.{key}" for key in keys))

    def approximate(self, key: str, sentence: str) -> None:
        """Note that a key is nearly the same here."""
        self.ledger.approximate(f"{self.key}.{key}", sentence, self.name)

    def mend(self, key: str, sentence: str) -> None:
        """Note that somebody has to look at a key before the first login."""
        self.ledger.mend(f"{self.key}.{key}", sentence, self.name)

    def leave(self, key: str, sentence: str) -> None:
        """Note that a key is not there."""
        self.ledger.leave(f"{self.key}.{key}", sentence, self.name)


def label(text: str, otherwise: str) -> str:
    """Return a text as a label of the tenant file: one line of up to 100 characters that show."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(shown.split())[:LABEL_LIMIT].strip() or otherwise


def slug(text: str, otherwise: str, taken: Iterable[str]) -> str:
    """Return a name of a-z, 0-9 and `-` that is like a text, and that nothing else has."""
    bare = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:56].strip("-") or otherwise
    used, found, number = set(taken), bare, 2
    while found in used:
        found, number = f"{bare}-{number}", number + 1
    return found
