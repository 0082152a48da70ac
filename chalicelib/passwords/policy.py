"""Find a realm's objections to a new password (NIST SP 800-63B-4 3.1.1.2). The callers choose the messages."""

import re
import unicodedata
from collections.abc import Iterator
from enum import Enum, auto

from chalicelib.model.tenant import PasswordPolicy
from chalicelib.model.user import User
from chalicelib.passwords.hash import MAX_LENGTH, fold, verify

# Shorter names are parts of other words.
PERSONAL_LENGTH = 4
PERSONAL_METADATA = ("name", "first", "last")


class Objection(Enum):
    """Why a password may not be set."""

    TOO_SHORT = auto()
    TOO_LONG = auto()
    BREACHED = auto()
    IN_DICTIONARY = auto()
    PERSONAL = auto()
    REUSED = auto()


def objections(password: str, user: User, policy: PasswordPolicy, is_breached: bool) -> tuple[Objection, ...]:
    """Return the objections to this password for this user, in Objection's order; empty if it may be set.

    Costs one bcrypt for each password of the history. A password that is too long is not checked further.
    """
    if is_too_long(password):
        return (Objection.TOO_LONG,)
    held = {
        Objection.TOO_SHORT: length(password) < policy.min_length,
        Objection.BREACHED: is_breached,
        Objection.IN_DICTIONARY: fold(password) in map(fold, policy.dictionary),
        Objection.PERSONAL: policy.no_personal_info and any(text in fold(password) for text in _personal(user)),
        Objection.REUSED: any(verify(password, stored) for stored in former_hashes(user, policy.history)),
    }
    return tuple(objection for objection, holds in held.items() if holds)


def is_too_long(password: str) -> bool:
    """Return whether the password is longer than MAX_LENGTH, as typed or after NFC, which can lengthen it."""
    return len(password) > MAX_LENGTH or length(password) > MAX_LENGTH


def length(password: str) -> int:
    """Return how many characters a password has, after NFC."""
    return len(unicodedata.normalize("NFC", password))


def former_hashes(user: User, count: int) -> list[str]:
    """Return the hashes of the user's latest passwords, the current one first, at most count."""
    return [stored for stored in (user.password_hash, *user.password_history) if stored][:count]


def _personal(user: User) -> Iterator[str]:
    """Yield the texts that a password must not hold: the user's names and each word of them, folded."""
    names = (user.username, user.email.partition("@")[0], user.name, user.given_name, user.family_name)
    for name in (*names, user.nickname, *(user.user_metadata.get(key) for key in PERSONAL_METADATA)):
        if isinstance(name, str):
            texts = (fold(name.strip()), *re.split(r"[\W_]+", fold(name)))
            yield from (text for text in texts if len(text) >= PERSONAL_LENGTH)
