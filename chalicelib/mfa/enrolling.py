"""Change a user's enrolment: add, confirm or remove an authenticator. Pure."""

import secrets
import string
from dataclasses import replace

from chalicelib.mfa.session import MfaSession
from chalicelib.model.enrolment import FACTOR_KINDS, Authenticator, Enrolment

MAX_AUTHENTICATORS = 10
_ID_ALPHABET = string.ascii_letters + string.digits
_ID_LENGTH = 16


def new_authenticator(session: MfaSession, kind: str, address: str = "") -> Authenticator:
    """Return a fresh, unconfirmed authenticator. Only this login may confirm it; without one, any of the user may."""
    return Authenticator(new_authenticator_id(kind), kind, address, enrolled_by=session.pending.login_id)


def new_authenticator_id(kind: str) -> str:
    """Return a fresh ID for an authenticator of this kind."""
    made = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
    return f"{FACTOR_KINDS[kind].id_prefix}|dev_{made}"


def add_authenticator(enrolment: Enrolment, authenticator: Authenticator) -> Enrolment:
    """Return the enrolment with one authenticator more. It replaces an unconfirmed one of its kind."""
    kept = [one for one in enrolment.authenticators if one.is_active or one.kind != authenticator.kind]
    return replace(enrolment, authenticators=(*kept, authenticator))


def confirm_authenticator(enrolment: Enrolment, authenticator: Authenticator) -> Enrolment:
    """Return the enrolment with this authenticator active, and without others that only a password enrolled.

    authenticator: stored as given. The first active one brings its recovery code into force.
    """
    is_first = not enrolment.active
    others = [
        one
        for one in enrolment.authenticators
        if one.authenticator_id != authenticator.authenticator_id
        and (one.is_active or not (is_first or one.enrolled_by))
    ]
    now_active = replace(authenticator, is_active=True, enrolled_by="", recovery_hash="")
    recovery_hash = authenticator.recovery_hash if is_first else enrolment.recovery_hash
    return replace(enrolment, recovery_hash=recovery_hash, authenticators=(*others, now_active))


def remove_authenticator(enrolment: Enrolment, authenticator_id: str) -> Enrolment:
    """Return the enrolment without this authenticator; the recovery code goes with the last active one."""
    kept = tuple(one for one in enrolment.authenticators if one.authenticator_id != authenticator_id)
    after = replace(enrolment, authenticators=kept)
    return after if after.active else replace(after, recovery_hash="")
