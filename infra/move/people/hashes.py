"""The stored form of the password hash that a row has."""

from collections.abc import Mapping
from typing import Any

from chalicelib.passwords.hash import is_foreign_hash
from infra.move.people.faults import RowFault


def stored_hash(row: Mapping[str, Any]) -> str:
    """Return the stored form of a row's hash, "" for none. Raises RowFault."""
    given = row.get("password_hash")
    if "custom_password_hash" in row:
        raise RowFault("custom_password_hash", "NOT_PASSED", "Only bcrypt is taken, as password_hash.")
    if given is None:
        return ""
    if not isinstance(given, str):
        raise RowFault("password_hash", "INVALID_TYPE", "The hash must be a text.")
    if not is_foreign_hash(given):
        raise RowFault("password_hash", "PATTERN", "The hash must be a bcrypt hash of a cost from 4 to 14.")
    return given
