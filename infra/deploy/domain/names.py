"""Check the name of a domain before AWS is asked for anything."""

import re

from infra.errors import OperatorError

# ACM puts the name into the certificate's common name, which holds 64 characters.
LONGEST_OF_CERTIFICATE = 64
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def require_domain(text: str) -> str:
    """Return the name of a domain. Raises OperatorError, with what to write instead if that is clear."""
    if text.startswith(("http://", "https://")) or set(text) & set("/:@?# "):
        raise OperatorError(f"{text!r} is no domain: give its name alone, as in login.example.com")
    if text != text.lower():
        raise OperatorError(f"Write the domain in lower case: {text.lower()}")
    if not text.isascii():
        raise OperatorError(f"Write the domain as DNS has it (xn--...): {_in_ascii(text)}")
    if "*" in text:
        raise OperatorError("An issuer has one name, so its domain is no wildcard.")
    *others, last = text.split(".")
    if not others or last.isdigit() or not all(_LABEL.fullmatch(label) for label in (*others, last)):
        raise OperatorError(f"{text!r} is no domain, as login.example.com is.")
    if len(text) > LONGEST_OF_CERTIFICATE:
        raise OperatorError(f"A certificate of ACM takes a domain of {LONGEST_OF_CERTIFICATE} characters at most.")
    return text


def _in_ascii(text: str) -> str:
    try:
        return text.encode("idna").decode("ascii")
    except UnicodeError:
        return "this one has no such form"
