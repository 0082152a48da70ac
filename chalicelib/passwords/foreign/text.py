"""The stored text of a foreign hash: PHC's string format, `$scheme$v=1$name=value,name=value$salt$checksum`."""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_TEXT = 2048
_B64 = "[A-Za-z0-9+/.]"
_TEXT = re.compile(
    r"\$(?P<scheme>[a-z0-9-]{1,32})(?:\$v=(?P<version>[0-9]{1,3}))?"
    r"(?:\$(?P<params>[a-z]{1,8}=[A-Za-z0-9+/]{1,1400}(?:,[a-z]{1,8}=[A-Za-z0-9+/]{1,1400}){0,7}))?"
    rf"\$(?P<salt>{_B64}{{0,1400}})\$(?P<checksum>{_B64}{{1,1400}})"
)
_NUMBER = re.compile("0|[1-9][0-9]{0,9}")


class Unreadable(Exception):
    """The text is no hash that this package verifies. The message names no part of the text."""


@dataclass(frozen=True, slots=True)
class HashText:
    """The parts of a stored hash. salt, checksum: base64 without padding, in bcrypt its own alphabet.

    params: by their names, the version as `v`.
    """

    scheme: str
    params: Mapping[str, str]
    salt: str = field(repr=False)
    checksum: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "HashText":
        """Return the parts of a text; raises Unreadable."""
        found = _TEXT.fullmatch(text) if len(text) <= MAX_TEXT else None
        if found is None:
            raise Unreadable("The hash is in no form that is known.")
        pairs = [tuple(pair.split("=")) for pair in (found["params"] or "").split(",") if pair]
        params = dict([("v", found["version"])] if found["version"] else []) | dict(pairs)
        if len(params) != len(pairs) + bool(found["version"]):
            raise Unreadable("The hash has a parameter twice.")
        return cls(found["scheme"], params, found["salt"], found["checksum"])

    @classmethod
    def of_bytes(cls, scheme: str, params: Mapping[str, object], salt: bytes, checksum: bytes) -> "HashText":
        """Return the parts of a hash whose salt and checksum are bytes."""
        return cls(scheme, {name: str(value) for name, value in params.items()}, encode(salt), encode(checksum))

    def write(self) -> str:
        """Return the text."""
        params = ",".join(f"{name}={value}" for name, value in self.params.items() if name != "v")
        version = f"$v={self.params['v']}" if "v" in self.params else ""
        return f"${self.scheme}{version}{'$' + params if params else ''}${self.salt}${self.checksum}"

    def number(self, name: str, allowed: range, default: int | None = None) -> int:
        """Return a parameter that is a number; raises Unreadable if it is missing or not allowed."""
        text = self.params.get(name, "" if default is None else str(default))
        if not _NUMBER.fullmatch(text) or int(text) not in allowed:
            raise Unreadable(f"The hash has no parameter {name} from {allowed.start} to {allowed.stop - 1}.")
        return int(text)

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """Return a parameter that is one of these words, the first if it is missing; raises Unreadable."""
        value = self.params.get(name, allowed[0])
        if value not in allowed:
            raise Unreadable(f"The hash has a parameter {name} that is not known.")
        return value

    def require_only(self, *names: str) -> None:
        """Raise Unreadable if the hash has another parameter."""
        if self.params.keys() - set(names):
            raise Unreadable("The hash has a parameter that is not known.")


def encode(octets: bytes) -> str:
    """Return the base64 of bytes, without padding."""
    return b64encode(octets).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Return the bytes of a base64 without padding; raises Unreadable."""
    try:
        octets = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise Unreadable("The hash holds base64 that does not decode.") from None
    if encode(octets) != text:
        raise Unreadable("The hash holds base64 that does not decode.")
    return octets
