"""What the users of a tenant file must be, by what their realm says."""

import unicodedata
from collections.abc import Iterator

from chalicelib.identifiers import canonical
from infra.faults import shown
from infra.tenant_raw import Entry, Found

LOGIN_KEYS = ("username", "email")


def login_names(file: Entry) -> Iterator[tuple[str, Found]]:
    """Yield, for each realm and kind of name, what it is, and the path and canonical form of each."""
    users = file.part("users")
    for realm in users.fields:
        for key in LOGIN_KEYS:
            named = [found for user in users.entries(realm) for found in user.texts(key)]
            yield key, [(path, canonical(name)) for path, name in named]


def user_faults(file: Entry) -> Found:
    """Yield the path and message of each fault of a user, alone or against the realm."""
    realms = {realm.text("name"): realm for realm in file.entries("realms")}
    users = file.part("users")
    for name in users.fields:
        for user in users.entries(name):
            yield from _password_faults(user)
            if name in realms:
                yield from _realm_faults(user, realms[name])


def _password_faults(user: Entry) -> Found:
    if user.has("password") and user.has("password_hash"):
        yield (*user.path, "password_hash"), "`password` stands here too: take one of the two out"


def _realm_faults(user: Entry, realm: Entry) -> Found:
    taken = [key for _, key in realm.texts("identifiers")]
    name = shown(realm.text("name") or "")
    if taken and not any(user.has(key) for key in taken):
        yield user.path, f"a user of realm {name} is found by {' or '.join(taken)}: add `{taken[0]}`"
    password = user.text("password")
    least = realm.part("password_policy").number("min_length", 8)
    if password and len(unicodedata.normalize("NFC", password)) < least:
        path = (*user.path, "password")
        yield path, f"`password` is shorter than the {least} characters of realm {name}: write a longer one"
