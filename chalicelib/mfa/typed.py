"""Codes and phone numbers as users copy and type them."""

import unicodedata

from chalicelib.identifiers import visible

# No code or number is longer, and NFKC is slow for long texts.
MAX_LENGTH = 256
MINUS = "\u2212"
TRUNK_PREFIX = "(0)"
INTERNATIONAL_PREFIX = "00"


def plain_code(typed: str) -> str:
    """Return a code without white space, dashes and invisible characters, its digits and letters in ASCII.

    A text over MAX_LENGTH gives "".
    """
    return "".join(char for char in _plain(typed) if not (char.isspace() or _is_dash(char)))


def phone_number(typed: str) -> str:
    """Return a number without spaces, dashes, brackets and dots, and with `+` for a leading `00`.

    It is not checked. A line break stays, as it may stand between two numbers. A number with `(0)`, which is dialled
    only inside its country, stays as typed: without the brackets it would be another number.
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
