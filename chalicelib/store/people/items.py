"""The items of a realm's users table, as values.

`login#CANONICAL` leads from a typed identifier to a user_id, `cred#ID` is a user's credentials, `user#ID` the profile.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from chalicelib.identifiers import canonical, spellings
from chalicelib.model.storage import Item, Key, Value
from chalicelib.model.user import Credentials, Permission, User

# The prefix of counters in the credentials: how many families a client began for this user.
_FAMILY_COUNTER = "families_of_"
# The fields that are stored as JSON, with the value of a missing one.
JSON_FIELDS = {"app_metadata": "{}", "user_metadata": "{}", "password_history": "[]"}
# The fields of a value that are no attribute of its own item, or several.
_NO_ATTRIBUTES = {
    "user_id",
    "family_counts",
    "revocations",
    "attempt_counts",
    "has_old_shape",
    "known_addresses",
    "roles",
    "permissions",
}
# The roles and direct permissions of a user as one JSON text, which a user without any lacks.
AUTHORIZATION = "roles_and_permissions"
_OF_CREDENTIALS = {one.name for one in fields(Credentials)} - _NO_ATTRIBUTES
_OF_PROFILE = {one.name for one in fields(User)} - _OF_CREDENTIALS - _NO_ATTRIBUTES


def family_counter(client_id: str) -> str:
    """Return the name of the credentials' counter of families that a client began."""
    return _FAMILY_COUNTER + hashlib.sha256(client_id.encode()).hexdigest()[:16]


def credentials_key(table: str, user_id: str) -> Key:
    """Return the key of a user's credentials."""
    return Key(table, f"cred#{user_id}")


def profile_key(table: str, user_id: str) -> Key:
    """Return the key of a user's profile."""
    return Key(table, f"user#{user_id}")


def login_keys(table: str, typed: str) -> tuple[Key, ...]:
    """Return the keys that may lead from an identifier to its user: one for each spelling."""
    return tuple(Key(table, f"login#{form}") for form in spellings(typed))


def is_of_version_before(profile: Item) -> bool:
    """Return whether a `user#ID` item holds the credentials too, as it did before schema 2."""
    return "credential_version" in profile


def credentials_from(item: Item) -> Credentials:
    """Return the credentials that a `cred#ID` item holds."""
    return Credentials(**_credential_fields(item))


def user_from(credentials: Item, profile: Item) -> User:
    """Return the user whose credentials and profile these items hold; both may be one item of the version before."""
    given = {name: value for name, value in profile.items() if name in _OF_PROFILE}
    loaded = {name: json.loads(given.get(name, absent)) for name, absent in JSON_FIELDS.items()}
    return User(**_credential_fields(credentials), **(given | loaded))


def credentials_values(user: Credentials) -> dict[str, Value]:
    """Return the attributes of a user's `cred#ID` item, except its key."""
    return {
        **{name: getattr(user, name) for name in _OF_CREDENTIALS},
        **user.family_counts,
        "known_addresses": known_addresses_text(user.known_addresses),
        **({AUTHORIZATION: stored} if (stored := authorization_text(user)) else {}),
    }


def authorization_text(user: Credentials) -> str:
    """Return the stored form of a user's roles and direct permissions; "" for none."""
    if not user.roles and not user.permissions:
        return ""
    permissions = [[one.api, one.value] for one in user.permissions]
    return json.dumps({"roles": user.roles, "permissions": permissions}, separators=(",", ":"))


def profile_values(user: User) -> dict[str, Value]:
    """Return the attributes of a user's `user#ID` item."""
    values = {name: value for name, value in asdict(user).items() if name in _OF_PROFILE}
    return {"pk": f"user#{user.user_id}"} | values | {name: json.dumps(values[name]) for name in JSON_FIELDS}


def items_of_new(user: User) -> list[dict[str, Value]]:
    """Return the items of a new user: the profile, the credentials, and one for each identifier."""
    named = (("username", user.username), ("email", user.email))
    identifiers = [login_values(user, kind, name) for kind, name in named if name]
    return [profile_values(user), {"pk": f"cred#{user.user_id}", **credentials_values(user)}, *identifiers]


def login_values(user: User, kind: str, name: str) -> dict[str, Value]:
    """Return the attributes of the item of one identifier. kind: username or email."""
    return {"pk": f"login#{canonical(name)}", "user_id": user.user_id, "kind": kind}


def known_addresses_text(networks: tuple[str, ...]) -> str:
    """Return the stored form of known networks: a blank on both sides of each, so that a condition can look for one."""
    return f" {' '.join(networks)} " if networks else ""


def credential_attributes(profile: Item) -> tuple[str, ...]:
    """Return the attributes of a `user#ID` item of the version before that belong into `cred#ID`."""
    own = _OF_CREDENTIALS | {"known_addresses"}
    return tuple(name for name in profile if name in own or name.startswith(_FAMILY_COUNTER))


def _credential_fields(item: Item) -> Mapping[str, Any]:
    counts = {name: value for name, value in item.items() if name.startswith(_FAMILY_COUNTER)}
    return {
        **{name: value for name, value in item.items() if name in _OF_CREDENTIALS},
        "user_id": item["pk"].partition("#")[2],
        "family_counts": counts,
        "known_addresses": tuple(item.get("known_addresses", "").split()),
        **_authorization(item),
        "attempt_counts": item,
        "has_old_shape": item["pk"].startswith("user#"),
    }


def _authorization(item: Item) -> Mapping[str, Any]:
    stored = json.loads(item.get(AUTHORIZATION, "{}"))
    permissions = tuple(Permission(api, value) for api, value in stored.get("permissions", ()))
    return {"roles": tuple(stored.get("roles", ())), "permissions": permissions}
