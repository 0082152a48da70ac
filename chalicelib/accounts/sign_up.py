"""Read a sign-up: the fields of the user whom it would make, each bounded.

Source: Auth0's POST /dbconnections/signup.
"""

import unicodedata
from typing import Any

from chalicelib.errors import InvalidRequest
from chalicelib.identifiers import is_mailable, is_new_name, is_phone_number, is_text, trim
from chalicelib.model.request import Request
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User

EMAIL_LIMIT = 254
USERNAME_LIMIT = 128
# Characters, by field.
TEXT_LIMITS = {"given_name": 150, "family_name": 150, "name": 300, "nickname": 300, "picture": 2048, "phone_number": 16}
MAX_METADATA = 10
METADATA_NAME_LIMIT = 100
METADATA_TEXT_LIMIT = 500
ID_BYTES = 12


def read_fields(request: Request, realm: Realm) -> dict[str, Any]:
    """Return the fields of User that a sign-up names, without the password; raises InvalidRequest.

    A realm without usernames ignores one.
    """
    fields: dict[str, Any] = {"email": _email(request)}
    if "username" in realm.identifiers:
        fields["username"] = _username(request, is_required="email" not in realm.identifiers)
    fields |= {name: _text(request, name, limit) for name, limit in TEXT_LIMITS.items()}
    if fields["picture"] and not fields["picture"].startswith("https://"):
        raise InvalidRequest("picture must be an https URL.")
    if fields["phone_number"] and not is_phone_number(fields["phone_number"]):
        raise InvalidRequest("phone_number must be in E.164 form, such as +14155550100.")
    fields["user_metadata"] = _metadata(request)
    return {name: value for name, value in fields.items() if value}


def is_one_line(text: str) -> bool:
    """Return whether a text holds no control character and no line break."""
    return not any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in text)


def render(user: User) -> dict[str, Any]:
    """Return the answer to the sign-up that made, or would make, this user."""
    told = {"_id": user.user_id.rpartition("|")[2], "email": user.email, "email_verified": user.email_verified}
    named = {name: getattr(user, name) for name in ("username", *TEXT_LIMITS, "user_metadata")}
    return told | {name: value for name, value in named.items() if value}


def _email(request: Request) -> str:
    email = trim(request.require("email"))
    if len(email) > EMAIL_LIMIT or not is_mailable(email):
        raise InvalidRequest("email must be an email address.")
    return email


def _username(request: Request, is_required: bool) -> str:
    username = trim(request.require("username") if is_required else request.params.get("username", ""))
    is_absent = not username and not is_required
    # An email to somebody else may quote it, so it must not be a sentence.
    is_one_word = not any(char == "@" or char.isspace() for char in username)
    if not is_absent and (len(username) > USERNAME_LIMIT or not is_one_word or not is_new_name(username)):
        raise InvalidRequest(f"username must have 1 to {USERNAME_LIMIT} visible characters, no space and no at sign.")
    return username


def _text(request: Request, name: str, limit: int) -> str:
    text = trim(request.text(name) or "")
    if len(text) > limit or not is_one_line(text):
        raise InvalidRequest(f"{name} must have at most {limit} characters, none of them a control character.")
    return text


def _metadata(request: Request) -> dict[str, str]:
    metadata = request.body.get("user_metadata", {})
    if not isinstance(metadata, dict) or len(metadata) > MAX_METADATA:
        raise InvalidRequest(f"user_metadata must be an object of at most {MAX_METADATA} texts.")
    for name, text in metadata.items():
        if len(name) > METADATA_NAME_LIMIT or not is_text(text) or len(text) > METADATA_TEXT_LIMIT:
            raise InvalidRequest(
                f"user_metadata holds texts of at most {METADATA_TEXT_LIMIT} characters, "
                f"under names of at most {METADATA_NAME_LIMIT}."
            )
    return metadata
