"""The schema of a row: Auth0's of its bulk import, and what its exports and ours have beside it.

A row that names anything else is refused, as at Auth0 (`additionalProperties: false`).
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from chalicelib.accounts.profiles import excess_of
from chalicelib.accounts.sign_up import TEXT_LIMITS, is_one_line
from chalicelib.identifiers import MAX_LENGTH, is_phone_number, is_text, trim
from chalicelib.model.user import MAX_KNOWN_ADDRESSES
from infra.move.people.faults import Code, RowFault

MAX_DEPTH = 32
MAX_FAULTS = 10
# A year later than this has five digits.
MAX_EPOCH_S = 253_402_300_799
_MILLISECONDS_FROM = 100_000_000_000
_CODES: dict[str, tuple[Code, str]] = {
    "missing": ("OBJECT_REQUIRED", "is required."),
    "extra_forbidden": ("NOT_PASSED", "is not known."),
    "string_too_long": ("MAX_LENGTH", "is too long."),
    "string_too_short": ("MIN_LENGTH", "is too short."),
    "too_long": ("ARRAY_LENGTH_LONG", "has too many members."),
    "too_short": ("ARRAY_LENGTH_SHORT", "has too few members."),
    "greater_than_equal": ("MINIMUM", "is too small."),
    "less_than_equal": ("MAXIMUM", "is too large."),
    "string_pattern_mismatch": ("PATTERN", "is not in the right form."),
}


def _fault(code: Code, words: str) -> PydanticCustomError:
    return PydanticCustomError(code, words)


def _one_line(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not is_text(value) or not is_one_line(text := trim(value)):
        raise _fault("FORMAT", "holds a control character, or one that cannot be stored.")
    return text


def _phone(value: Any) -> Any:
    if isinstance(value, str) and value and not is_phone_number(value):
        raise _fault("PATTERN", "must be in E.164 form, such as +14155550100.")
    return value


def _url(value: Any) -> Any:
    if isinstance(value, str) and value and not value.startswith(("https://", "http://")):
        raise _fault("FORMAT", "must be an http or https URL.")
    return value


def _metadata(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if depth_of(value) > MAX_DEPTH:
        raise _fault("NOT_PASSED", f"is nested deeper than {MAX_DEPTH} levels.")
    try:
        json.dumps(value, ensure_ascii=False).encode()
        excess = excess_of(value)
    except UnicodeEncodeError:
        raise _fault("FORMAT", "holds half of a surrogate pair.") from None
    except ValueError:
        raise _fault("FORMAT", "holds a number that JSON does not have.") from None
    if excess:
        raise _fault("MAX_LENGTH", f"has {excess}.")
    return value


def _epoch_s(value: Any) -> Any:
    """Return epoch seconds of a time in ISO 8601, in epoch seconds or milliseconds, or as MongoDB writes it."""
    value = value.get("$date", value) if isinstance(value, Mapping) else value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            value = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            raise _fault("FORMAT", "must be a time in ISO 8601.") from None
    is_long = isinstance(value, int) and value >= _MILLISECONDS_FROM
    return value // 1000 if is_long else value


ONE_LINE = BeforeValidator(_one_line)
ShortName = Annotated[str, StringConstraints(max_length=TEXT_LIMITS["given_name"]), ONE_LINE]
LongName = Annotated[str, StringConstraints(max_length=TEXT_LIMITS["name"]), ONE_LINE]
Picture = Annotated[str, StringConstraints(max_length=TEXT_LIMITS["picture"]), BeforeValidator(_url), ONE_LINE]
Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH), BeforeValidator(_one_line)]
Time = Annotated[int, Field(ge=0, le=MAX_EPOCH_S), BeforeValidator(_epoch_s)]
Metadata = Annotated[dict[str, Any], BeforeValidator(_metadata)]
# Stored between blanks.
Network = Annotated[str, StringConstraints(pattern="^[!-~]{1,64}$")]


class PersonRow(BaseModel):
    """One person. A field that the row leaves out is None, or in `model_fields_set` otherwise."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    email: Name | None = None
    email_verified: bool = False
    username: Name | None = None
    user_id: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    name: LongName = ""
    given_name: ShortName = ""
    family_name: ShortName = ""
    nickname: LongName = ""
    picture: Picture = ""
    phone_number: Annotated[str, BeforeValidator(_phone), ONE_LINE] = ""
    phone_verified: bool = False
    blocked: bool = False
    app_metadata: Metadata = Field(default_factory=dict)
    user_metadata: Metadata = Field(default_factory=dict)
    created_at: Time | None = None
    updated_at: Time | None = None
    last_login: Time = 0
    last_password_reset: Time = 0
    last_ip: Annotated[str, StringConstraints(max_length=45), ONE_LINE] = ""
    logins_count: Annotated[int, Field(ge=0, le=2**53)] = 0
    migrated_at: Time = 0
    known_addresses: Annotated[list[Network], Field(max_length=MAX_KNOWN_ADDRESSES)] = Field(default_factory=list)
    roles: list[Annotated[str, StringConstraints(min_length=1, max_length=100)]] = Field(default_factory=list)
    permissions: list[dict[str, str]] = Field(default_factory=list)
    # Their own modules read these.
    password_hash: Any = None
    custom_password_hash: Any = None
    password_history: Any = None
    mfa_factors: Any = None
    recovery_code_hash: Any = None
    factor_history: Any = None


def parse_row(values: Mapping[str, Any]) -> PersonRow | tuple[RowFault, ...]:
    """Return the person of a row in Auth0's form, or all that is wrong with it."""
    try:
        return PersonRow.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple(_row_fault(one["loc"], one["type"], one["msg"]) for one in found[:MAX_FAULTS])


def depth_of(value: Any) -> int:
    """Return how many levels of objects and lists there are, at most one more than MAX_DEPTH."""
    level, depth = [value], 0
    while depth <= MAX_DEPTH and (level := [one for one in level if isinstance(one, dict | list)]):
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
        depth += 1
    return depth


def printable(name: str) -> str:
    """Return the name of a field as a report may hold it."""
    return "".join(char if char.isprintable() else "?" for char in name)[:100]


def _row_fault(place: tuple[int | str, ...], kind: str, words: str) -> RowFault:
    field = printable(".".join(map(str, place)))
    code, words = _CODES.get(kind, (kind if kind.isupper() else "INVALID_TYPE", words if kind.isupper() else ""))
    return RowFault(field, code, f"{field} {words or 'is of the wrong type.'}")  # type: ignore[arg-type]
    # An upper-case kind is one of ours, and so a code.
