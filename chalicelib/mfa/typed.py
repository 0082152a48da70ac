"""Codes and phone numbers as people copy and type them."""

import re
import unicodedata

# Nothing that is copied is longer, and NFKC takes its time for what is.
MAX_LENGTH = 256
# Unicode's Default_Ignorable_Code_Points that are not of the category Cf: fillers and variation selectors.
IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
MINUS = "\u2212"
TRUNK_PREFIX = "(0)"
INTERNATIONAL_PREFIX = "00"


def plain_code(typed: str) -> str:
    """Return a code without white space, dashes and what cannot be seen, its digits and letters in ASCII.

    What is far too long for a code is no code: "".
    """
    return "".join(char for char in _visible(typed) if not (char.isspace() or _is_dash(char)))


def phone_number(typed: str) -> str:
    """Return a number without spaces, dashes, brackets and dots, `+` for a leading `00`; whether it is one is not said.

    A line break stays, as there may be two numbers. So does the `(0)` that is dialled only inside of the country: what
    it would leave is another number.
    """
    visible = _visible(typed)
    if TRUNK_PREFIX in visible:
        return typed
    number = "".join(char for char in visible if not (unicodedata.category(char) == "Zs" or _is_dash(char)))
    number = number.translate(dict.fromkeys(map(ord, "().")))
    return f"+{number[2:]}" if number.startswith(INTERNATIONAL_PREFIX) else number


def _visible(typed: str) -> str:
    if len(typed) > MAX_LENGTH:
        return ""
    seen = IGNORABLE.sub("", unicodedata.normalize("NFKC", typed))
    return "".join(char for char in seen if unicodedata.category(char) != "Cf")


def _is_dash(char: str) -> bool:
    return char == MINUS or unicodedata.category(char) == "Pd"
