"""Make the user of a profile that a legacy store returned, by the rules that hold for profiles from anywhere."""

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from chalicelib.accounts.profiles import (
    FLAGS,
    METADATA,
    TEXTS,
    UnfitProfile,
    change_profile,
    require_identifiers,
)
from chalicelib.accounts.sign_up import ID_BYTES
from chalicelib.identifiers import canonical, is_text
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.rules.values import MAX_METADATA_DEPTH, nesting

MEMBERS = ("user_id", "blocked", *TEXTS, *FLAGS, *METADATA)
_BOOLEANS = ("blocked", *FLAGS)
# Auth0 puts it before the id of a database's user, unless it is there.
PREFIX = "auth0|"
USER_ID = re.compile("[!-~]{1,249}")
# Ends the names of clients in the claim sub.
OF_CLIENTS = "@clients"


def make_user(answer: object, typed: str, realm: Realm, now: int) -> User:
    """Return the user of a function's answer, without a password; raises UnfitProfile.

    typed: the identifier that the function was asked for, which the profile must have. now: epoch seconds.
    """
    profile = _read(answer)
    user_id = _user_id(profile.get("user_id"), realm)
    blank = User(user_id, blocked=profile.get("blocked") or False, created_at=now, updated_at=now, migrated_at=now)
    changes = {name: value for name, value in profile.items() if name in (*TEXTS, *FLAGS, *METADATA)}
    user = change_profile(blank, changes)
    require_identifiers(user, realm)
    if canonical(typed) not in [canonical(getattr(user, kind)) for kind in realm.identifiers]:
        raise UnfitProfile(f"The profile is of somebody else: no {' or '.join(realm.identifiers)} is the typed name.")
    return user


def _read(answer: object) -> Mapping[str, Any]:
    """Return a copy of the answer, if it is an object of known members and right types."""
    try:
        profile = json.loads(json.dumps(answer, allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError):
        raise UnfitProfile("The profile is no JSON.") from None
    if not isinstance(profile, dict):
        raise UnfitProfile("The function returned neither a profile nor None.")
    if any(name not in MEMBERS for name in profile):
        # A careless function may have put the password anywhere, also into a name.
        raise UnfitProfile(f"The profile has unknown members. These are known: {', '.join(MEMBERS)}.")
    # A null is a member that is left out.
    given = {name: value for name, value in profile.items() if value is not None}
    for name, value in given.items():
        _require_type(name, value)
    return given


def _require_type(name: str, value: object) -> None:
    if name in _BOOLEANS and not isinstance(value, bool):
        raise UnfitProfile(f"{name} is true or false.")
    if name in METADATA and not (isinstance(value, dict) and nesting(value) <= MAX_METADATA_DEPTH):
        raise UnfitProfile(f"{name} is an object of at most {MAX_METADATA_DEPTH} levels.")
    if name not in (*_BOOLEANS, *METADATA) and not is_text(value):
        raise UnfitProfile(f"{name} is a text.")


def _user_id(given: str | None, realm: Realm) -> str:
    """Return the user_id of a new user: the legacy store's own, after Auth0's prefix, or a fresh one."""
    if given is None:
        return f"{realm.name}|{secrets.token_hex(ID_BYTES)}"
    if not USER_ID.fullmatch(given) or given.endswith(OF_CLIENTS):
        raise UnfitProfile("user_id has 1 to 249 printable ASCII characters, no space, and does not end in @clients.")
    return given if given.startswith(PREFIX) else f"{PREFIX}{given}"
