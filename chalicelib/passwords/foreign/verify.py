"""Compare a password with a hash that another server made."""

import unicodedata

from chalicelib.passwords.foreign.schemes import read
from chalicelib.passwords.foreign.text import Unreadable


def is_foreign_password(password: str, stored: str) -> bool:
    """Return whether a stored text is a foreign hash of this password, in NFC or as it was typed.

    Costs one derivation of the hash's scheme, and a second one if the first fails and NFC changes the password.
    A text that is no hash, or whose cost is not bearable, is nobody's: it never raises and costs nothing.
    """
    try:
        foreign = read(stored)
    except Unreadable:
        return False
    texts = dict.fromkeys((unicodedata.normalize("NFC", password), password))
    return foreign.is_bearable and any(foreign.matches(text) for text in texts)
