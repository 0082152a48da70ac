"""Read the members of a row's objects, each with the fault that says what it must be."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.move.people.faults import RowFault

_BASE64 = re.compile("[A-Za-z0-9+/_-]*={0,2}")
_HEX = re.compile("(?:[0-9A-Fa-f]{2})*")


@dataclass(frozen=True, slots=True)
class Members:
    """The members of one object of a row. place: the object's name in a fault. None counts as absent."""

    place: str
    values: Mapping[str, Any]

    @classmethod
    def of(cls, place: str, value: object) -> "Members":
        """Return the members of a value that must be an object."""
        if not isinstance(value, Mapping):
            raise RowFault(place, "INVALID_TYPE", "It must be an object.")
        return cls(place, {name: member for name, member in value.items() if member is not None})

    def at(self, name: str) -> str:
        """Return the place of a member."""
        return f"{self.place}.{name}" if self.place else name

    def has(self, name: str) -> bool:
        return name in self.values

    def require_only(self, *names: str) -> None:
        """Refuse a member of another name."""
        for name in self.values:
            if name not in names:
                raise RowFault(self.at(str(name)[:64]), "NOT_PASSED", "It does not belong here.")

    def child(self, name: str) -> "Members":
        """Return the members of an object, none if it is absent."""
        return Members.of(self.at(name), self.values.get(name, {}))

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text. It is required unless there is a default."""
        value = self.values.get(name, default)
        if value is None:
            raise RowFault(self.at(name), "OBJECT_REQUIRED", "It is missing.")
        if not isinstance(value, str):
            raise RowFault(self.at(name), "INVALID_TYPE", "It must be a text.")
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """Return a text that is one of these."""
        value = self.text(name, default)
        if value not in allowed:
            raise RowFault(self.at(name), "ENUM_MISMATCH", f"It must be one of {', '.join(allowed)}.")
        return value

    def number(self, name: str, default: int | None = None) -> int:
        """Return an integer from 1."""
        value = self.values.get(name, default)
        if value is None:
            raise RowFault(self.at(name), "OBJECT_REQUIRED", "It is missing.")
        if not isinstance(value, int) or isinstance(value, bool):
            raise RowFault(self.at(name), "INVALID_TYPE", "It must be an integer.")
        if value < 1:
            raise RowFault(self.at(name), "MINIMUM", "It must be 1 or more.")
        return value

    def octets(self, name: str, encodings: tuple[str, ...], default: str | None = None) -> bytes:
        """Return the bytes of a text beside the member `encoding`, which must be one of these."""
        encoding, text = self.choice("encoding", encodings, default), self.text(name)
        if encoding == "utf8":
            return self.utf8(name)
        return from_hex(self.at(name), text) if encoding == "hex" else from_base64(self.at(name), text)

    def utf8(self, name: str) -> bytes:
        """Return the bytes of a text in UTF-8."""
        try:
            return self.text(name).encode()
        except UnicodeEncodeError:
            raise RowFault(self.at(name), "FORMAT", "It holds half of a surrogate pair.") from None


def from_base64(place: str, text: str) -> bytes:
    """Return the bytes of a base64, of either alphabet, with or without padding."""
    if not _BASE64.fullmatch(text) or len(text.rstrip("=")) % 4 == 1:
        raise RowFault(place, "FORMAT", "It must be base64.")
    plain = text.rstrip("=").replace("+", "-").replace("/", "_")
    return urlsafe_b64decode(plain + "=" * (-len(plain) % 4))


def from_hex(place: str, text: str) -> bytes:
    """Return the bytes of a text in hex."""
    if not _HEX.fullmatch(text):
        raise RowFault(place, "FORMAT", "It must be hex.")
    return bytes.fromhex(text)
