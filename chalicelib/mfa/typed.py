"""Codes and phone numbers as people copy and type them."""

import unicodedata

from chalicelib.identifiers import visible

# Nothing that is copied is longer, and NFKC takes its time for what is.
MAX_LENGTH = 256
MINUS = "\u2212"
TRUNK_PREFIX = "(0)"
INTERNATIONAL_PREFIX = "00"


def plain_code(typed: str) -> str:
    """Return a code without white space, dashes and what cannot be seen, its digits and letters in ASCII.

    What is far too long for a code is no code: "".
    """
    return "".join(char for char in _plain(typed) if not (char.isspace() or _is_dash(char)))


def phone_number(typed: str) -> str:
    """Return a number without spaces, dashes, brackets and dots, `+` for a leading `00`; whether it is one is not said.

    A line break stays, as there may be two numbers. So does the `(0)` that is dialled only inside of the country: what
    it would leave is another number.
    """
    plain = _plain(typed)
    if TRUNK_PREFIX in plain:
        return typed
    number = "".join(char for char in plain if not (unicodedata.category(char) == "Zs" or _is_dash(char)))
    number = number.translate(dict.fromkeys(map(ord, "().")))
    return f"+{number[2:]}" if number.startswith(INTERNATIONAL_PREFIX) else number


def _plain(typed: str) -> str:
    return visible(unicodedata.normalize("NFKC", typed)) if len(typed) <= MAX_LENGTH else ""


def _is_dash(char: str) -> bool:
    return char == MINUS or unicodedata.category(char) == "Pd"
