"""What the users of a tenant file must be, by what their realm says."""

from collections.abc import Iterator
from itertools import chain

from chalicelib.identifiers import canonical
from chalicelib.model.tenant import PasswordPolicy
from chalicelib.model.user import User
from chalicelib.passwords.breached_filter import is_breached
from chalicelib.passwords.policy import Objection, objections
from infra.tenant.faults import shown
from infra.tenant.raw import Entry, Found
from infra.tenant.yaml_lines import Steps

LOGIN_KEYS = ("username", "email")


def login_names(file: Entry) -> Iterator[tuple[str, Found]]:
    """Yield, for each realm and kind of name, what it is, and the path and canonical form of each."""
    users = file.part("users")
    names: dict[str, str | None] = {}
    for realm in file.entries("realms"):
        names |= {alias: realm.text("name") for _, alias in realm.texts("aliases")}
    for key in LOGIN_KEYS:
        named: dict[str | None, list[tuple[Steps, str]]] = {}
        for called in users.fields:
            found = chain.from_iterable(user.texts(key) for user in users.entries(called))
            named.setdefault(names.get(called, called), []).extend((path, canonical(name)) for path, name in found)
        yield from ((key, paths) for paths in named.values())


def user_faults(file: Entry) -> Found:
    """Yield the path and message of each fault of a user, alone or against the realm."""
    realms = {
        name: realm for realm in file.entries("realms") for _, name in (*realm.texts("name"), *realm.texts("aliases"))
    }
    detection = file.part("attack_protection").part("breached_password_detection")
    users = file.part("users")
    for name in users.fields:
        for user in users.entries(name):
            yield from _password_faults(user)
            if name in realms:
                yield from _identifier_faults(user, realms[name])
                yield from _policy_faults(user, realms[name], detects_breaches=detection.flag("enabled", True))


def _password_faults(user: Entry) -> Found:
    if user.has("password") and user.has("password_hash"):
        yield (*user.path, "password_hash"), "`password` stands here too: take one of the two out"


def _identifier_faults(user: Entry, realm: Entry) -> Found:
    taken = [key for _, key in realm.texts("identifiers")]
    name = shown(realm.text("name") or "")
    if taken and not any(user.has(key) for key in taken):
        yield user.path, f"a user of realm {name} is found by {' or '.join(taken)}: add `{taken[0]}`"


def _policy_faults(user: Entry, realm: Entry, detects_breaches: bool) -> Found:
    """Yield what the realm's password policy has against the password, as it would where the user is made."""
    password, policy = user.text("password"), _policy(realm.part("password_policy"))
    if not password:
        return
    sentences = _sentences(shown(realm.text("name") or ""), policy)
    for objection in objections(password, _person(user), policy, detects_breaches and is_breached(password)):
        if objection in sentences:
            yield (*user.path, "password"), f"`password` {sentences[objection]}"


def _person(user: Entry) -> User:
    return User(
        user_id="",
        username=user.text("username") or "",
        email=user.text("email") or "",
        name=user.text("name") or "",
        given_name=user.text("given_name") or "",
        family_name=user.text("family_name") or "",
        nickname=user.text("nickname") or "",
        user_metadata=user.part("user_metadata").fields,
    )


def _policy(entry: Entry) -> PasswordPolicy:
    dictionary = tuple(word for _, word in entry.texts("dictionary"))
    no_personal_info = entry.flag("no_personal_info", True)
    return PasswordPolicy(entry.number("min_length", 8), 0, dictionary, no_personal_info)


def _sentences(realm: str, policy: PasswordPolicy) -> dict[Objection, str]:
    """Return the words of each objection but that to the length, which the form has, and to a reuse: there is none."""
    return {
        Objection.TOO_SHORT: f"is shorter than the {policy.min_length} characters of realm {realm}: write a longer one",
        Objection.BREACHED: "is among those that were disclosed in data breaches: write another one",
        Objection.IN_DICTIONARY: f"is in the dictionary of realm {realm}: write another one",
        Objection.PERSONAL: f"holds the username, the email or a name, which realm {realm} refuses: write another one",
    }
