"""The second factors of a person who comes: Auth0's `mfa_factors`, and what an export of Gatehouse adds to them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.identifiers import is_mailable, is_textable
from chalicelib.mfa.enrolling import MAX_AUTHENTICATORS, new_authenticator_id
from chalicelib.mfa.otp import secret_owner
from chalicelib.model.account import Account
from chalicelib.model.enrolment import (
    EMAIL,
    FACTOR_KINDS,
    OTP,
    SMS,
    Authenticator,
    Enrolment,
    FactorChange,
    changes_between,
    forget_old,
)
from chalicelib.store.configuration.vault import SharedKey, seal
from infra.move.people.faults import Code, RowFault

FIELD = "mfa_factors"
# The members that an export of Gatehouse has beside Auth0's: of a row, and of one factor.
RECOVERY_FIELD, HISTORY_FIELD = "recovery_code_hash", "factor_history"
ID_FIELD, STEP_FIELD = "authenticator_id", "last_step"
KINDS = {"totp": OTP, "phone": SMS, "email": EMAIL}
# Base32 without padding. Of the last eight characters there are never 1, 3 or 6 (RFC 4648 6).
SECRET = re.compile(r"(?:[A-Z2-7]{8})*(?:[A-Z2-7]{2}|[A-Z2-7]{4}|[A-Z2-7]{5}|[A-Z2-7]{7})?")
# 8 and 128 bytes. RFC 4226 asks for 16, but other servers made apps with 10.
MIN_SECRET_LENGTH, MAX_SECRET_LENGTH = 13, 205
SHA256_HEX = re.compile("[0-9a-f]{64}")
_FAILED: Code = "MFA_FACTORS_FAILED"


@dataclass(frozen=True, slots=True)
class FactorSealer:
    """Makes stored factors of those of a row. shared_key: seals the secrets of all rows. now: epoch seconds.

    takes_own: whether a row may have what only an export of Gatehouse has.
    """

    shared_key: Callable[[], SharedKey]
    now: int
    takes_own: bool = True

    def read(self, row: Mapping[str, Any], account: Account) -> Enrolment:
        """Return a person's confirmed factors, ready to be written; raises RowFault.

        A row without any gives an empty enrolment, which is not written. Its `kinds` belong into the credentials. No
        call is made, but for the first use of shared_key.
        """
        factors = _list_of(row, FIELD, least=1, most=MAX_AUTHENTICATORS)
        if not self.takes_own:
            _require_auth0s(row, factors)
        given = [self._factor(one, f"{FIELD}.{index}", account) for index, one in enumerate(factors)]
        if len({one.authenticator_id for one in given}) < len(given):
            raise RowFault(FIELD, _FAILED, "Two factors have the same authenticator_id.")
        empty = Enrolment(account.id)
        sealing = self.shared_key().stored if any(one.kind == OTP for one in given) else ""
        made = replace(empty, data_key=sealing, recovery_hash=_recovery_hash(row), authenticators=tuple(given))
        if made.recovery_hash and not given:
            raise RowFault(RECOVERY_FIELD, _FAILED, "A recovery code needs a factor beside it.")
        history = _history(row) or changes_between(empty, made, self.now)
        return replace(made, history=forget_old(history, self.now))

    def _factor(self, factor: object, field: str, account: Account) -> Authenticator:
        name, value = _only_member(factor, field)
        kind, extra = KINDS[name], _extra_members(factor, field)
        authenticator_id = extra.get(ID_FIELD) or new_authenticator_id(kind)
        if not re.fullmatch(rf"{FACTOR_KINDS[kind].id_prefix}\|dev_[A-Za-z0-9]{{16}}", authenticator_id):
            raise RowFault(f"{field}.{ID_FIELD}", "PATTERN", f"This is no authenticator_id of a {name} factor.")
        made = Authenticator(authenticator_id, kind, is_active=True, last_step=extra.get(STEP_FIELD, -1))
        if kind != OTP:
            return replace(made, address=_address(kind, value, f"{field}.{name}.value"))
        data_key = self.shared_key().data_key(account.key)
        text = _secret(value, f"{field}.{name}.secret")
        return replace(made, secret=seal(data_key, text, secret_owner(account, authenticator_id)))


def _require_auth0s(row: Mapping[str, Any], factors: list[Any]) -> None:
    """Raise RowFault if there is a member that Auth0's form does not have."""
    own = [name for name in (RECOVERY_FIELD, HISTORY_FIELD) if name in row]
    for index, one in enumerate(factors):
        own += [
            f"{FIELD}.{index}.{name}" for name in (ID_FIELD, STEP_FIELD) if isinstance(one, Mapping) and name in one
        ]
    if own:
        raise RowFault(own[0], "NOT_PASSED", f"{own[0]} is not known.")


def _only_member(factor: object, field: str) -> tuple[str, Mapping[str, Any]]:
    """Return the name and the value of the one member that is a factor; raises RowFault."""
    if not isinstance(factor, Mapping):
        raise RowFault(field, "OBJECT_REQUIRED", "A factor is an object with one of totp, phone and email.")
    found = [name for name in KINDS if name in factor]
    if not found:
        raise RowFault(field, "ANY_OF_MISSING", "A factor has one of totp, phone and email.")
    unknown = [str(name) for name in factor if name not in (*found[:1], ID_FIELD, STEP_FIELD)]
    if unknown:
        raise RowFault(field, "NOT_PASSED", f"A factor has one of totp, phone and email, and no {unknown[0][:40]}.")
    value, member = factor[found[0]], "secret" if found[0] == "totp" else "value"
    if not isinstance(value, Mapping):
        raise RowFault(f"{field}.{found[0]}", "OBJECT_REQUIRED", f"{found[0]} is an object with the member {member}.")
    if set(value) - {member}:
        raise RowFault(f"{field}.{found[0]}", "NOT_PASSED", f"{found[0]} has the member {member} and no other.")
    if not isinstance(value.get(member), str):
        raise RowFault(f"{field}.{found[0]}.{member}", "INVALID_TYPE", f"{found[0]} has a text as its {member}.")
    return found[0], value


def _extra_members(factor: object, field: str) -> dict[str, Any]:
    """Return what Gatehouse keeps of a factor beside Auth0's members; raises RowFault."""
    given = dict(factor) if isinstance(factor, Mapping) else {}
    step = given.get(STEP_FIELD, -1)
    if isinstance(step, bool) or not isinstance(step, int):
        raise RowFault(f"{field}.{STEP_FIELD}", "INVALID_TYPE", "last_step is a whole number.")
    if not -1 <= step < 1 << 40:
        raise RowFault(f"{field}.{STEP_FIELD}", "MAXIMUM" if step > 0 else "MINIMUM", "last_step is no step of TOTP.")
    if not isinstance(given.get(ID_FIELD, ""), str):
        raise RowFault(f"{field}.{ID_FIELD}", "INVALID_TYPE", "authenticator_id is a text.")
    return {name: given[name] for name in (ID_FIELD, STEP_FIELD) if name in given}


def _secret(value: Mapping[str, Any], field: str) -> str:
    text = str(value["secret"])
    if len(text) > MAX_SECRET_LENGTH:
        raise RowFault(field, "MAX_LENGTH", "A TOTP secret has at most 128 bytes.")
    if not SECRET.fullmatch(text):
        raise RowFault(field, "PATTERN", "A TOTP secret is base32 in capitals, without padding.")
    if len(text) < MIN_SECRET_LENGTH:
        raise RowFault(field, "MIN_LENGTH", "A TOTP secret has 8 bytes or more.")
    return text


def _address(kind: str, value: Mapping[str, Any], field: str) -> str:
    address = str(value["value"])
    if kind == SMS and not is_textable(address):
        raise RowFault(field, "PATTERN", "A phone number is in E.164 form, such as +14155550100.")
    if kind == EMAIL and not is_mailable(address):
        raise RowFault(field, "FORMAT", "This is no email address that mails can be sent to.")
    return address


def _recovery_hash(row: Mapping[str, Any]) -> str:
    given = row.get(RECOVERY_FIELD, "")
    if not isinstance(given, str):
        raise RowFault(RECOVERY_FIELD, "INVALID_TYPE", "recovery_code_hash is a text.")
    if given and not SHA256_HEX.fullmatch(given):
        raise RowFault(RECOVERY_FIELD, "PATTERN", "recovery_code_hash is SHA-256 in lower-case hex.")
    return given


def _history(row: Mapping[str, Any]) -> tuple[FactorChange, ...]:
    """Return the changes of a row's factors that an export of Gatehouse wrote; raises RowFault."""
    texts = ("action", "kind", "name")
    changes = []
    for index, one in enumerate(_list_of(row, HISTORY_FIELD, least=0, most=1_000)):
        is_change = isinstance(one, Mapping) and set(one) == {"at", *texts}
        if not is_change or type(one["at"]) is not int or not all(isinstance(one[name], str) for name in texts):
            raise RowFault(f"{HISTORY_FIELD}.{index}", "INVALID_TYPE", "A change has at, action, kind and name.")
        changes.append(FactorChange(**one))
    return tuple(changes)


def _list_of(row: Mapping[str, Any], field: str, least: int, most: int) -> list[Any]:
    """Return a row's list, empty if the row has none; raises RowFault."""
    if field not in row:
        return []
    given = row[field]
    if not isinstance(given, list):
        raise RowFault(field, "INVALID_TYPE", f"{field} is an array.")
    if len(given) < least:
        raise RowFault(field, "ARRAY_LENGTH_SHORT", f"{field} has {least} or more.")
    if len(given) > most:
        raise RowFault(field, "ARRAY_LENGTH_LONG", f"{field} has at most {most}.")
    return given
