"""Note of each key of an export what became of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from infra.tenant.auth0_names import NAMES, SECTIONS

UNKNOWN = "not here: there is nothing of this name"


class Weight(IntEnum):
    """How much a row counts. MEND: people stay out, or come in who should not, until somebody looks at it."""

    MEND = 1
    APPROXIMATED = 2
    NOT_THERE = 3
    APPLIED = 4


@dataclass(slots=True, eq=False, repr=False)
class Ledger:
    """The fate of each key. rows: by weight, key and sentence, the names of the things that it concerns."""

    rows: dict[tuple[Weight, str, str], dict[str, None]] = field(default_factory=dict)

    def add(self, weight: Weight, key: str, sentence: str, name: str = "") -> None:
        """Add a row. key: Auth0's keys with dots, without indices. name: of the thing that it concerns."""
        names = self.rows.setdefault((weight, key, sentence), {})
        if name:
            names[name] = None

    def apply(self, key: str, *more: str) -> None:
        """Note that keys mean the same here."""
        for one in (key, *more):
            self.add(Weight.APPLIED, one, "")

    def mend(self, key: str, sentence: str, name: str = "") -> None:
        """Note what somebody has to look at before the first login."""
        self.add(Weight.MEND, key, sentence, name)

    def approximate(self, key: str, sentence: str, name: str = "") -> None:
        """Note what is nearly the same here."""
        self.add(Weight.APPROXIMATED, key, sentence, name)

    def leave(self, key: str, sentence: str, name: str = "") -> None:
        """Note what is not there."""
        self.add(Weight.NOT_THERE, key, sentence, name)

    def complete(self, sections: dict[str, Any]) -> None:
        """Add a row for each key of an export that has none, and take out what is applied and not in it."""
        present = set(_keys_of(sections, ""))
        for row in [one for one in self.rows if one[0] is Weight.APPLIED and one[1] not in present]:
            del self.rows[row]
        noted = {key for _, key, _ in self.rows}
        around = {key[:at] for key in noted for at, char in enumerate(key) if char == "."}
        for section, value in sections.items():
            for key in _find_open(section, value, noted, around):
                self.leave(key, explain(key))


def explain(key: str) -> str:
    """Return why there is no such key here."""
    return NAMES.get(_ours(key)) or UNKNOWN


def _ours(key: str) -> str:
    """Return a key in our sections' names."""
    return ".".join(SECTIONS.get(step, step) for step in key.split("."))


def _keys_of(value: Any, around: str) -> Iterator[str]:
    """Yield the keys below a value, with dots, without indices."""
    for inner in value if isinstance(value, list) else [value]:
        for key, below in inner.items() if isinstance(inner, dict) else ():
            yield f"{around}{key}"
            yield from _keys_of(below, f"{around}{key}.")


def _find_open(key: str, value: Any, noted: set[str], around: set[str]) -> Iterator[str]:
    """Yield the keys that have no row: of a thing that is wholly unknown, its own alone."""
    if key in noted:
        return
    inner = value if isinstance(value, list) else [value]
    parts = [part for part in inner if isinstance(part, dict)]
    if key not in around or not parts:
        yield key
        return
    for part in parts:
        for name, below in part.items():
            yield from _find_open(f"{key}.{name}", below, noted, around)
