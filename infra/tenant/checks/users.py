"""Check the users of a tenant file against their realm's settings."""

from collections.abc import Iterator
from typing import Any

from chalicelib.accounts.authorization import MAX_AUTHORIZATION_BYTES
from chalicelib.model.tenant import PasswordPolicy
from chalicelib.model.user import User as Person
from chalicelib.passwords.breached_filter import is_breached
from chalicelib.passwords.policy import Objection, objections
from chalicelib.store.people.items import authorization_text
from infra.tenant import schema
from infra.tenant.checks.partial import Findings, entries, is_given, is_missing, texts, value_or
from infra.tenant.faults import quote
from infra.tenant.schema import Realm, TenantFile, User
from infra.tenant.yaml_lines import Steps

NAMES = ("username", "email", "name", "given_name", "family_name", "nickname")


def user_checks(file: TenantFile) -> Iterator[Findings]:
    """Yield the checks of each user, alone and against the realm: each yields paths and messages."""
    realms = {
        name: realm
        for realm in vars(file).get("realms", ())
        for _, name in (*texts(realm, "name"), *texts(realm, "aliases"))
    }
    detects_breaches = value_or(lambda: file.attack_protection.breached_password_detection.enabled, True)
    for name, users in file.users.items():
        for path, user in entries(("users", name), users):
            yield _two_passwords(path, user)
            yield _too_many_roles(path, user)
            if name in realms:
                yield _identifier(path, user, realms[name])
                yield _password(path, user, realms[name], detects_breaches)


def _two_passwords(path: Steps, user: User) -> Findings:
    if is_given(user, "password") and is_given(user, "password_hash"):
        yield (*path, "password_hash"), "`password` stands here too: take one of the two out"


def _too_many_roles(path: Steps, user: User) -> Findings:
    roles = tuple(name for _, name in texts(user, "roles"))
    if len(authorization_text(Person(user_id="", roles=roles))) > MAX_AUTHORIZATION_BYTES:
        yield (*path, "roles"), f"`roles` take more than {MAX_AUTHORIZATION_BYTES:,} bytes: take some out"


def _identifier(path: Steps, user: User, realm: Realm) -> Findings:
    taken = [key for _, key in texts(realm, "identifiers")]
    if taken and all(is_missing(user, key) for key in taken):
        yield path, f"a user of realm {_quote_realm(realm)} is found by {' or '.join(taken)}: add `{taken[0]}`"


def _password(path: Steps, user: User, realm: Realm, detects_breaches: bool) -> Findings:
    """Yield the objections of the realm's password policy, as making the user would find them."""
    if not user.password:
        return
    policy = _policy(realm)
    sentences = _sentences(_quote_realm(realm), policy)
    for objection in objections(
        user.password, _as_user_record(user), policy, detects_breaches and is_breached(user.password)
    ):
        if objection in sentences:
            yield (*path, "password"), f"`password` {sentences[objection]}"


def _quote_realm(realm: Realm) -> str:
    return quote(value_or(lambda: realm.name, ""))


def _as_user_record(user: User) -> Person:
    """Return the user in the form that the policy takes, with the fields that can be read."""
    fields: dict[str, Any] = {name: vars(user).get(name) or "" for name in NAMES}
    return Person(user_id="", **fields, user_metadata=value_or(lambda: user.user_metadata, {}))


def _policy(realm: Realm) -> PasswordPolicy:
    """Return the policy of a realm, with defaults for fields that cannot be read."""
    given, default = value_or(lambda: realm.password_policy, schema.PasswordPolicy()), schema.PasswordPolicy()
    return PasswordPolicy(
        min_length=value_or(lambda: given.min_length, default.min_length),
        dictionary=tuple(word for _, word in texts(given, "dictionary")),
        no_personal_info=value_or(lambda: given.no_personal_info, default.no_personal_info),
    )


def _sentences(realm: str, policy: PasswordPolicy) -> dict[Objection, str]:
    """Return the message of each objection. The form checks the greatest length, and a new user reuses no password."""
    return {
        Objection.TOO_SHORT: f"is shorter than the {policy.min_length} characters of realm {realm}: write a longer one",
        Objection.BREACHED: "is among those that were disclosed in data breaches: write another one",
        Objection.IN_DICTIONARY: f"is in the dictionary of realm {realm}: write another one",
        Objection.PERSONAL: f"holds the username, the email or a name, which realm {realm} refuses: write another one",
    }
