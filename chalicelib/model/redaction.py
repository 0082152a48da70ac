"""The names of secret parameters, a copy of a request's JSON without them, and masked addresses."""

from collections.abc import Mapping
from typing import Any

# The one list: these are always strings, are never taken from a URL, and reach neither rules nor logs, in any case.
SECRET_PARAMETERS = frozenset(
    {
        "password",
        "password_repeat",
        "client_secret",
        "client_assertion",
        "refresh_token",
        "access_token",
        "token",
        "mfa_token",
        "otp",
        "oob_code",
        "binding_code",
        "recovery_code",
        "ticket",
        "code",
    }
)


SHOWN_DIGITS = 4
SHOWN_OF_DOMAIN = 4


def mask_email(address: str) -> str:
    """Return an email with only the beginning of its domain."""
    domain = address.rpartition("@")[2]
    return f"****@{domain[:SHOWN_OF_DOMAIN]}{'*' * (len(domain) - SHOWN_OF_DOMAIN)}"


def mask_number(number: str) -> str:
    """Return a phone number with only its last four digits."""
    return "X" * (len(number) - SHOWN_DIGITS) + number[-SHOWN_DIGITS:]


def secrets_in(value: Any) -> set[str]:
    """Return the values of all members of JSON whose names are secret parameters."""
    members = value.items() if isinstance(value, Mapping) else ()
    own = {inner for name, inner in members if name.lower() in SECRET_PARAMETERS and isinstance(inner, str)}
    inner_values = value if isinstance(value, list) else [inner for _, inner in members]
    return own.union(*map(secrets_in, inner_values))


def without(value: Any, secrets: set[str]) -> Any:
    """Return a copy of JSON without its secret members, and without any other text that equals a secret."""
    if isinstance(value, Mapping):
        shown = {name: inner for name, inner in value.items() if name.lower() not in SECRET_PARAMETERS}
        return {name: without(inner, secrets) for name, inner in shown.items() if not _repeats(inner, secrets)}
    if isinstance(value, list):
        return [without(inner, secrets) for inner in value if not _repeats(inner, secrets)]
    return value


def _repeats(value: Any, secrets: set[str]) -> bool:
    return isinstance(value, str) and value in secrets
