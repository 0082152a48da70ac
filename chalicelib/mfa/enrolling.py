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
    """Return a fresh authenticator that is not confirmed yet, by this login or, without one, by any of the person."""
    made = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
    return Authenticator(
        f"{FACTOR_KINDS[kind].id_prefix}|dev_{made}", kind, address, enrolled_by=session.pending.login_id
    )


def add_authenticator(enrolment: Enrolment, authenticator: Authenticator) -> Enrolment:
    """Return the enrolment with one more, in place of an earlier one of its kind that was never confirmed."""
    kept = [one for one in enrolment.authenticators if one.is_active or one.kind != authenticator.kind]
    return replace(enrolment, authenticators=(*kept, authenticator))


def confirm_authenticator(enrolment: Enrolment, authenticator: Authenticator) -> Enrolment:
    """Return the enrolment with this one active, as it is given, and without what only a password had enrolled.

    The first one brings its recovery code into force; until then a password was all that anybody had.
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
    """Return the enrolment without this one; the recovery code goes with the last active one."""
    kept = tuple(one for one in enrolment.authenticators if one.authenticator_id != authenticator_id)
    after = replace(enrolment, authenticators=kept)
    return after if after.active else replace(after, recovery_hash="")
