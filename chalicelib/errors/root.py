"""The root of all errors that leave the server, and the characters that a description may hold."""

from typing import Any, ClassVar

DESCRIPTION_LIMIT = 300
ECHO_LIMIT = 100


def printable(text: str, limit: int = DESCRIPTION_LIMIT) -> str:
    """Return a text cut to limit characters, with `?` for each that an error_description must not hold.

    Source: RFC 6749 5.2 (printable ASCII without the double quote and the backslash).
    """
    return "".join(char if " " <= char <= "~" and char not in '"\\' else "?" for char in text[:limit])


def echo(value: str) -> str:
    """Return a value off the wire as a description may repeat it: short and printable."""
    return printable(value, ECHO_LIMIT)


class WireError(Exception):
    """The root: a wire code, a status, a description that is safe to send, and a reason for the log alone.

    description: sent as error_description. reason: logged, never sent; it must hold no secret either.
    event: the Auth0 log code of this outcome, or "" for the endpoint's usual one.
    Source: RFC 6749 5.2; docs/adr/0007.
    """

    error: ClassVar[str]
    status: ClassVar[int]

    def __init__(self, description: str, *, reason: str = "", event: str = "") -> None:
        """Keep the public description apart from the private reason."""
        super().__init__(description)
        self.description = printable(description)
        self.reason = reason or self.description
        self.event = event

    @property
    def headers(self) -> dict[str, str]:
        """Headers that this error adds to its response."""
        return {}

    @property
    def members(self) -> dict[str, Any]:
        """Members that this error adds to its body."""
        return {}
