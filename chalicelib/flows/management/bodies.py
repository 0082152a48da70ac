"""The bodies of the Management API, judged by pydantic: each fault is one sentence."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from chalicelib.errors import InvalidBody, echo

B = TypeVar("B", bound=BaseModel)

MOST_SENTENCES = 5
EXTRA, MISSING = "extra_forbidden", "missing"


class Body(BaseModel):
    """A body whose members are all known. A member that was not sent is none of `model_fields_set`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    def sent(self) -> dict[str, Any]:
        """Return the members that were sent, null ones too."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Profile(Body):
    """The profile of a user. null removes a text, or all metadata."""

    email: str | None = None
    email_verified: bool = False
    username: str | None = None
    phone_number: str | None = None
    phone_verified: bool = False
    given_name: str | None = None
    family_name: str | None = None
    name: str | None = None
    nickname: str | None = None
    picture: str | None = None
    # Any: the values of metadata are JSON of any kind.
    user_metadata: dict[str, Any] | None = None
    app_metadata: dict[str, Any] | None = None


class NewUser(Profile):
    """The body of POST /users. user_id: what follows the realm's name and `|`, without `%`, which paths decode."""

    connection: str
    password: str | None = Field(default=None, min_length=1, repr=False)
    user_id: str | None = Field(default=None, pattern=r"^[!-$&-{}~]{1,128}$")
    blocked: bool = False
    verify_email: bool = False


class UserChanges(Profile):
    """The body of PATCH /users/{id}. connection: the user's own, or left out. client_id: for Auth0's sake, ignored."""

    connection: str | None = None
    client_id: str | None = None
    password: str | None = Field(default=None, min_length=1, repr=False)
    blocked: bool = False
    verify_email: bool = False


def read_body(kind: type[B], members: Mapping[str, Any]) -> B:
    """Return a body of this kind; raises InvalidBody with a sentence for each fault, and no value."""
    try:
        return kind.model_validate(dict(members))
    except ValidationError as failure:
        faults = failure.errors(include_url=False, include_context=False, include_input=False)
        sentences = list(dict.fromkeys(map(_sentence, faults)))
        more = f" And {len(sentences) - MOST_SENTENCES} more." if len(sentences) > MOST_SENTENCES else ""
        raise InvalidBody(" ".join(sentences[:MOST_SENTENCES]) + more, reason="the body is malformed") from None


def _sentence(fault: ErrorDetails) -> str:
    place = echo(".".join(map(str, fault["loc"])))
    if fault["type"] == EXTRA:
        return f"{place} is unknown."
    if fault["type"] == MISSING:
        return f"{place} is missing."
    said = fault["msg"]
    return f"{place}: {said[0].lower()}{said[1:]}."
