"""Hold a new password against its realm's policy, in Auth0's words for what is wrong, and hash it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.errors import InvalidPassword
from chalicelib.model.tenant import PasswordPolicy, Realm, Tenant
from chalicelib.model.user import User
from chalicelib.passwords.breached import RangeApi, is_refused
from chalicelib.passwords.hash import MAX_LENGTH, hash_password
from chalicelib.passwords.policy import Objection, objections


@dataclass(frozen=True, slots=True)
class PasswordRule:
    """One rule of a realm's policy, in Auth0's words. number: for the `%d` of message and sentence, None without one.

    name: of the error. message: the rule. sentence: what is wrong with a password that does not keep it.
    """

    name: str
    code: str
    message: str
    sentence: str
    number: int | None = None

    def fill(self, text: str) -> str:
        """Return the message or the sentence with the rule's number."""
        return text if self.number is None else text % self.number


_STRENGTH, _DICTIONARY = "PasswordStrengthError", "PasswordDictionaryError"
RULES = {
    Objection.TOO_SHORT: PasswordRule(
        _STRENGTH,
        "lengthAtLeast",
        "At least %d characters in length",
        "The password has fewer than %d characters.",
    ),
    Objection.TOO_LONG: PasswordRule(
        _STRENGTH, "lengthAtMost", "At most %d characters in length", "The password has more than %d characters."
    ),
    Objection.BREACHED: PasswordRule(
        _DICTIONARY, "breached", "Not known from a data breach", "The password was disclosed in a data breach."
    ),
    Objection.IN_DICTIONARY: PasswordRule(
        _DICTIONARY,
        "dictionary",
        "No word that is easy to guess",
        "The password is a word that is easy to guess.",
    ),
    Objection.PERSONAL: PasswordRule(
        "PasswordNoUserInfoError",
        "noPersonalInfo",
        "Without your name, username or email",
        "The password holds your name, username or email.",
    ),
    Objection.REUSED: PasswordRule(
        "PasswordHistoryError",
        "history",
        "None of your last %d passwords",
        "The password is one of your last %d.",
    ),
}


def rules_of(policy: PasswordPolicy, detects_breaches: bool) -> dict[Objection, PasswordRule]:
    """Return the rules that a new password must keep, by the objection to one that does not."""
    numbers = {
        Objection.TOO_SHORT: policy.min_length,
        Objection.TOO_LONG: MAX_LENGTH,
        Objection.REUSED: policy.history,
    }
    is_on = {
        Objection.BREACHED: detects_breaches,
        Objection.IN_DICTIONARY: bool(policy.dictionary),
        Objection.PERSONAL: policy.no_personal_info,
        Objection.REUSED: bool(policy.history),
    }
    on = ((objection, rule) for objection, rule in RULES.items() if is_on.get(objection, True))
    return {objection: replace(rule, number=numbers.get(objection)) for objection, rule in on}


@dataclass(slots=True, eq=False, repr=False)
class NewPasswords:
    """Judges and hashes new passwords. bcrypt_cost: of the hashes. range_api: looks one up among breached passwords."""

    tenant: Callable[[], Tenant]
    range_api: RangeApi
    bcrypt_cost: int

    def hash(self, password: str, user: User, realm: Realm, warn: Callable[[str], None]) -> str:
        """Return the stored form of a user's new password; raises InvalidPassword.

        warn: takes a line if Pwned Passwords gave no answer.
        """
        detection, policy = self.tenant().breached_password_detection, realm.password_policy
        is_breached = is_refused(password, detection, self.range_api, warn)
        found = objections(password, user, policy, is_breached)
        if found:
            raise _refusal(rules_of(policy, detection.enabled), found)
        return hash_password(password, self.bcrypt_cost)


def _refusal(rules: dict[Objection, PasswordRule], found: tuple[Objection, ...]) -> InvalidPassword:
    told = [
        {"name": rule.name, "code": rule.code, "message": rule.message}
        | ({"format": [rule.number]} if rule.number is not None else {})
        | {"verified": objection not in found}
        for objection, rule in rules.items()
    ]
    sentences = " ".join(rules[objection].fill(rules[objection].sentence) for objection in found)
    return InvalidPassword(sentences, rules[found[0]].name, told)
