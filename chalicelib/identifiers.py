"""Identifiers as users type them: their canonical form, and their names in the log."""

import re
import unicodedata
from collections.abc import Callable
from typing import TypeGuard

MAX_LENGTH = 320
# A key of DynamoDB has at most 2048 bytes, and normalising can make many of one character.
MAX_CANONICAL_BYTES = 1280
# Default_Ignorable_Code_Point, which is invisible: soft hyphens, zero-width and bidi marks, variation selectors.
# Source: Unicode Standard 5.21; DerivedCoreProperties.txt.
_IGNORABLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_IGNORABLE}]")
_TRIMMED = rf"[\s\x00-\x1f\x7f-\x9f{_IGNORABLE}]+"
# The category Cc.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ENDS = re.compile(rf"\A{_TRIMMED}|{_TRIMMED}\Z")
_PUNYCODE = "xn--"
MAX_LABEL_LENGTH = 63
# E.164: a country code and at most 15 digits in all.
_PHONE_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")
# No country has a shorter number that text messages reach: `+` and seven digits.
_MIN_TEXTABLE_LENGTH = 8
# The addresses of RFC 5321 that SES takes: no quotes, no display name, no list, no empty label of a domain.
_MAILABLE = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=[A-Za-z0-9.-]{1,189}\Z)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
)


def canonical(typed: str) -> str:
    """Return the form under which an identifier is unique in its realm: trimmed, NFC, case-folded.

    An email's domain is the same in Unicode and in punycode. One rule for all of Unicode: `Straße` and `STRASSE`
    are the same, a Turkish dotless i and an `i` are not. Source: docs/adr/0005, docs/adr/0022.
    """
    name = _fold(trim(typed))
    local, at, domain = name.rpartition("@")
    return f"{local}@{_fold(_in_unicode(domain))}" if at and _is_international(domain) else name


def spellings(typed: str) -> tuple[str, ...]:
    """Return the forms under which a user may be stored, in the order in which they are looked up.

    Most identifiers have one form, the canonical one. An earlier rule gave some another form, which comes first, so
    that a user who was stored under it is still found.
    """
    return tuple(dict.fromkeys((_fold(typed.strip()), canonical(typed))))


def trim(typed: str) -> str:
    """Return a typed text without white space, control and invisible characters at its ends."""
    return _ENDS.sub("", typed)


def visible(text: str) -> str:
    """Return a text without its invisible characters."""
    return _INVISIBLE.sub("", text)


def is_acceptable(typed: str) -> bool:
    """Return whether this can be an identifier: up to 320 characters, not all blank, no control characters inside."""
    if len(typed) > MAX_LENGTH or _CONTROL.search(trim(typed)):
        return False
    return bool(canonical(typed)) and all(len(form.encode()) <= MAX_CANONICAL_BYTES for form in spellings(typed))


def is_new_name(typed: str) -> bool:
    """Return whether a user may get this identifier: acceptable, and without invisible characters inside."""
    return is_acceptable(typed) and not _INVISIBLE.search(trim(typed))


def is_text(value: object) -> TypeGuard[str]:
    """Whether this is a string that can be stored: JSON can hold a lone surrogate, which cannot be encoded."""
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def digest(typed: str, mac: Callable[[str, bytes], bytes]) -> str:
    """Return a typed identifier's keyed hash, which logs and counters get instead of it: 16 hex digits.

    mac: of the stage key. Users type passwords into the wrong field, and a hash without a key can be reversed.
    """
    return mac("name", canonical(typed).encode()).hex()[:16]


def _fold(name: str) -> str:
    # Folding can undo NFC, so NFC comes last again.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _is_international(domain: str) -> bool:
    return not domain.isascii() or any(label.startswith(_PUNYCODE) for label in domain.split("."))


def _in_unicode(domain: str) -> str:
    """Return a domain in Unicode (UTS 46, ToUnicode), or as it is if it is not valid."""
    # Imported here: few identifiers need it, and its tables load slowly.
    from idna import IDNAError, uts46_remap  # noqa: PLC0415

    try:
        labels = uts46_remap(domain).split(".")
        return ".".join(_decode(label, uts46_remap) for label in labels)
    except (IDNAError, UnicodeError):
        return domain


def _decode(label: str, remap: Callable[[str], str]) -> str:
    """Return a label without punycode; raises UnicodeError if no Unicode label has this punycode (UTS 46 4.1)."""
    if not label.startswith(_PUNYCODE):
        return label
    rest = label.removeprefix(_PUNYCODE)
    text = rest.encode("ascii").decode("punycode")
    is_sound = len(label) <= MAX_LABEL_LENGTH and not text.isascii() and text[2:4] != "--" and "." not in text
    if not is_sound or remap(text) != text or text.encode("punycode").decode() != rest:
        raise UnicodeError("this is no punycode")
    return text


def is_phone_number(text: str) -> bool:
    """Return whether a text is a phone number in E.164 form, such as +14155550100."""
    return _PHONE_NUMBER.fullmatch(text) is not None


def is_textable(text: str) -> bool:
    """Return whether a text is a phone number that text messages may be sent to."""
    return is_phone_number(text) and len(text) >= _MIN_TEXTABLE_LENGTH


def is_mailable(text: str) -> bool:
    """Return whether a text is an email address that emails may be sent to."""
    return _MAILABLE.fullmatch(text) is not None
