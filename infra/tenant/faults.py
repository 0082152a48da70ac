"""The faults of a tenant file, as lines for the operator. They never hold a secret."""

import difflib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

LISTED_LIMIT = 20
SHOWN_LIMIT = 80


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault. line: counted from 1; 0 for the file as a whole. message: says what is wrong, and the mend."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Auth0Name:
    """A name or a value of Auth0's. name: its keys, with dots. lines: its lines in the file.

    here: our name for it, or why there is none.
    """

    name: str
    lines: tuple[int, ...]
    here: str


class TenantFileError(Exception):
    """The tenant file has faults. str() has a line for each: `FILE:LINE: message`."""

    def __init__(self, path: Path, faults: Collection[Fault], foreign: Sequence[Auth0Name] = ()) -> None:
        """faults: in any order; they are sorted by line, and each is kept once. foreign: in the order of the file."""
        self.path = path
        self.faults = tuple(sorted(set(faults)))
        self.foreign = tuple(foreign)
        named = [Fault(name.lines[0], f"{quote(name.name)} is Auth0's: {name.here}") for name in self.foreign]
        super().__init__("\n".join([*self.lines, *(self._line(fault) for fault in named)]))

    @property
    def lines(self) -> list[str]:
        """The lines of the faults, without those of Auth0's names."""
        return [self._line(fault) for fault in self.faults]

    def _line(self, fault: Fault) -> str:
        place = f"{self.path}:{fault.line}" if fault.line else str(self.path)
        return f"{place}: {fault.message}"


def quote(text: str) -> str:
    """Return text for a message: shortened, in backticks, with `?` for control characters."""
    cut = text if len(text) <= SHOWN_LIMIT else text[:SHOWN_LIMIT] + "..."
    return "`" + "".join(char if char.isprintable() else "?" for char in cut) + "`"


def quote_key(key: str, value: object) -> str:
    """Return an unknown key for a message, or "" if the key may be a secret.

    `{username: alice, password:hunter2}` is a key `password:hunter2` without a value.
    """
    return quote(key) if value is not None and re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", key) else ""


def list_names(names: Collection[str]) -> str:
    """Return names in backticks for a message, each once, and only the first if there are many."""
    once = list(dict.fromkeys(names))
    first = ", ".join(quote(name) for name in once[:LISTED_LIMIT])
    return first + (", ..." if len(once) > LISTED_LIMIT else "")


def suggest(name: str, known: Collection[str]) -> str:
    """Return the mend of an unknown name: the known name closest to it, or all known names."""
    close = difflib.get_close_matches(name[:SHOWN_LIMIT], known, n=1)
    if close:
        return f"did you mean {quote(close[0])}?"
    return f"known are {list_names(known)}" if known else "none is defined"
