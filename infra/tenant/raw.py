"""Reading a document that may be of any form: what has the wrong one is passed over, not reported."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeAlias

from infra.tenant.auth0_words import is_named_otherwise
from infra.tenant.yaml_lines import Document, Json, Steps

# Two sections of a tenant file are less alike than this, a section and its mistyped name are more so.
CLOSE = 0.75

# Paths, each with the text that stands there or with a fault's message.
Found: TypeAlias = Iterable[tuple[Steps, str]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A mapping inside the document, and the path it stands under."""

    path: Steps
    fields: dict[str, Json] = field(repr=False)

    def has(self, key: str) -> bool:
        """Whether key has a value."""
        return self.fields.get(key) is not None

    def text(self, key: str) -> str | None:
        """Return the text under key; None where there is none."""
        value = self.fields.get(key)
        return value if isinstance(value, str) else None

    def texts(self, key: str) -> Iterator[tuple[Steps, str]]:
        """Yield the path and the text of what stands under key: each entry of a list, or one text."""
        value = self.fields.get(key)
        if isinstance(value, str):
            yield (*self.path, key), value
        for index, item in enumerate(value if isinstance(value, list) else []):
            if isinstance(item, str):
                yield (*self.path, key, index), item

    def number(self, key: str, default: int) -> int:
        """Return the whole number under key, or default."""
        value = self.fields.get(key)
        return value if type(value) is int else default

    def flag(self, key: str, default: bool) -> bool:
        """Return the truth value under key, or default."""
        value = self.fields.get(key)
        return value if isinstance(value, bool) else default

    def part(self, key: str) -> "Entry":
        """Return the mapping under key; an empty one where there is none."""
        value = self.fields.get(key)
        return Entry((*self.path, key), value if isinstance(value, dict) else {})

    def entries(self, key: str) -> "list[Entry]":
        """Return the mappings in the list under key."""
        value = self.fields.get(key)
        items = enumerate(value if isinstance(value, list) else [])
        return [Entry((*self.path, key, index), item) for index, item in items if isinstance(item, dict)]

    def known(self, key: str, name: str) -> list[str] | None:
        """Return the name of each entry of the list under key, in the file's order.

        None if they cannot all be read, or if key seems mistyped or has Auth0's name: what is referred to may be there.
        """
        if key not in self.fields:
            is_mistyped = get_close_matches(key, self.fields, cutoff=CLOSE)
            return None if is_mistyped or is_named_otherwise(key, self.fields) else []
        value = self.fields[key]
        names = [found for entry in self.entries(key) if (found := entry.text(name)) is not None]
        return names if isinstance(value, list) and len(names) == len(value) else None


def root(document: Document) -> Entry:
    """Return the whole document as an entry; an empty one where it is no mapping."""
    return Entry((), document.value if isinstance(document.value, dict) else {})
