"""The forms that a row may have, each brought into Auth0's: its exports, ours, CSV, and those of other servers."""

import json
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

from infra.errors import OperatorError
from infra.move.people.faults import RowFault
from infra.move.people.foreign.aspnet import from_aspnet
from infra.move.people.foreign.django import from_django
from infra.move.people.foreign.firebase import from_firebase
from infra.move.people.foreign.keycloak import from_keycloak
from infra.move.people.schema import printable

Row = Mapping[str, Any]
PREFIX = "auth0|"
IDENTIFIERS = frozenset(("email", "username", "user_id", "id", "_id"))
# What Auth0's exports say beside the person; a user_id beside these is whole.
_OF_EXPORTS = (
    "identities", "provider", "connection", "multifactor", "tenant", "_tmp_is_unique", "identifiers", "alt_id"
)  # fmt: skip
# The kinds of identifiers that its support's export lists, each with the field of the value and of its verification.
_LISTED = {
    "email": ("email", "email_verified"),
    "username": ("username", ""),
    "phone_number": ("phone_number", "phone_verified"),
}
# The names of its exports, and of the columns of its export extension, by those of its import.
_OTHER_NAMES = {"id": "user_id", "_id": "user_id", "passwordHash": "password_hash"} | dict.fromkeys(
    ("password_set_date", "password_last_set"), "last_password_reset"
)
_METADATA = ("app_metadata", "user_metadata")
_FLAGS = ("email_verified", "phone_verified", "blocked")
_JSON_CELLS = (*_METADATA, "custom_password_hash", "mfa_factors", "roles", "permissions", "identities", "multifactor")
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")


class Form(StrEnum):
    """A form of rows, as --format names it."""

    AUTH0 = "auth0"
    GATEHOUSE = "gatehouse"
    CSV = "csv"
    FIREBASE = "firebase"
    DJANGO = "django"
    ASPNET = "aspnet"
    KEYCLOAK = "keycloak"


def guess_form(rows: Iterable[Any], is_csv: bool) -> Form:
    """Return the form of rows by the fields of the first ones."""
    names = {name for row in rows if isinstance(row, Mapping) for name in row}
    marks = {
        Form.FIREBASE: "localId" in names,
        Form.DJANGO: {"model", "fields"} <= names or {"password", "date_joined"} <= names,
        Form.ASPNET: bool({"PasswordHash", "NormalizedEmail", "SecurityStamp"} & names),
        Form.KEYCLOAK: bool({"createdTimestamp", "emailVerified", "credentials"} & names) and "localId" not in names,
        Form.GATEHOUSE: bool({"roles", "permissions", "gatehouse"} & names) and not is_csv,
    }
    return next((form for form, is_marked in marks.items() if is_marked), Form.CSV if is_csv else Form.AUTH0)


def reader_of(form: Form, hash_config: Row | None = None) -> Callable[[Row], Row]:
    """Return the function that brings a row of a form into Auth0's. It raises RowFault.

    hash_config: Firebase's. Raises OperatorError for Firebase's rows without it.
    """
    readers: dict[Form, Callable[[Row], Row]] = {
        Form.AUTH0: from_auth0,
        Form.GATEHOUSE: dict,
        Form.CSV: from_csv,
        Form.DJANGO: from_django,
        Form.ASPNET: from_aspnet,
        Form.KEYCLOAK: from_keycloak,
    }
    if form is not Form.FIREBASE:
        return readers[form]
    if not hash_config:
        raise OperatorError("Rows of Firebase need --firebase-hash-config FILE: the project's hash parameters.")
    return lambda row: from_firebase(row, hash_config)


def _without_empty(row: Row) -> Row:
    """Return a row without the fields that another server leaves empty."""
    return {name: value for name, value in row.items() if value not in (None, "", {}, [])}


def from_auth0(row: Row) -> Row:
    """Return a row of Auth0's import or of one of its exports. A user_id gets its prefix, unless it has it."""
    is_export = any(name in row for name in _OF_EXPORTS)
    renamed = {_OTHER_NAMES.get(name, name): value for name, value in row.items()} if is_export else dict(row)
    if is_export:
        own = {name: value for name, value in renamed.items() if value not in (None, "")}
        renamed = _listed_identifiers(row.get("identifiers")) | own
    if "password_set_date" in renamed:
        renamed["last_password_reset"] = renamed.pop("password_set_date")
    # It stands for the user_id where a team gave its own.
    user_id = row.get("alt_id") or renamed.get("user_id")
    if isinstance(user_id, Mapping):
        user_id = user_id.get("$oid")
    if isinstance(user_id, str) and user_id and not user_id.startswith(PREFIX):
        is_whole = is_export and "|" in user_id
        user_id = user_id if is_whole else PREFIX + user_id
    if user_id is not None:
        renamed["user_id"] = user_id
    if not is_export:
        return renamed
    return {name: value for name, value in renamed.items() if value is not None and name not in _OF_EXPORTS}


def _listed_identifiers(listed: Any) -> dict[str, Any]:
    """Return the fields of the identifiers of a row: where they stand, its own fields may be absent."""
    found: dict[str, Any] = {}
    for one in listed if isinstance(listed, list) else ():
        fields = _LISTED.get(str(one.get("type"))) if isinstance(one, Mapping) else None
        if fields and fields[0] not in found:
            found[fields[0]] = one.get("value")
            found |= {fields[1]: one.get("verified") is True} if fields[1] else {}
    return found


def names_somebody(row: Any) -> bool:
    """Return whether a row of CSV has a column with a name of a person. A text that is no CSV has none."""
    return isinstance(row, Mapping) and not IDENTIFIERS.isdisjoint(map(_field_of, row))


def _field_of(column: str) -> str:
    return column.strip().removeprefix("\ufeff").lower().replace(" ", "_") if "." not in column else column.strip()


def from_csv(row: Row) -> Row:
    """Return a row of CSV. A cell of `app_metadata.plan` is a text; one of `app_metadata` is JSON. Raises RowFault."""
    values: dict[str, Any] = {}
    for column, cell in row.items():
        name = _field_of(column)
        outer, dot, inner = name.partition(".")
        if dot and outer in _METADATA:
            values.setdefault(outer, {})[inner] = cell
        else:
            values[_OTHER_NAMES.get(name, name)] = _cell(name, cell)
    return from_auth0(values)


def _cell(name: str, cell: str) -> Any:
    if name in _FLAGS:
        if cell.lower() not in _TRUE + _FALSE:
            raise RowFault(name, "INVALID_TYPE", f"{name} must be true or false.")
        return cell.lower() in _TRUE
    if name == "logins_count" and cell.isascii() and cell.isdigit():
        return int(cell[:20])
    if name not in _JSON_CELLS:
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        raise RowFault(printable(name), "FORMAT", f"{printable(name)} must be JSON.") from None
