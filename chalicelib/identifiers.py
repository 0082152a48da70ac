"""What a person types as username: how it is compared, and how the log names it."""

import hashlib
import unicodedata
from typing import TypeGuard

MAX_LENGTH = 320
# A key of DynamoDB has at most 2048 bytes, and normalising can make many of one character.
MAX_CANONICAL_BYTES = 1280


def canonical(typed: str) -> str:
    """Return the form under which an identifier is unique in its realm: trimmed, NFC, case-folded.

    Folding can undo NFC, so NFC comes last again. One rule for all of Unicode: `Straße` and `STRASSE` are one name,
    a Turkish dotless i and an `i` are two. Source: docs/adr/0005.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", typed.strip()).casefold())


def is_acceptable(typed: str) -> bool:
    """Whether this can be an identifier at all: up to 320 characters, not all blank, no control characters."""
    if len(typed) > MAX_LENGTH or any(unicodedata.category(char) == "Cc" for char in typed):
        return False
    return 0 < len(canonical(typed).encode()) <= MAX_CANONICAL_BYTES


def is_text(value: object) -> TypeGuard[str]:
    """Whether this is a string that can be stored: JSON can spell half a character, which nothing can encode."""
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def digest(typed: str) -> str:
    """Return what stands for a typed name where the name itself must not: 16 hex digits."""
    return hashlib.sha256(canonical(typed).encode()).hexdigest()[:16]
