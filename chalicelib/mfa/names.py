"""How authenticators are listed: in Auth0's form, with masked names that only their owner recognises."""

from typing import Any

from chalicelib.mfa.session import MfaSession
from chalicelib.model.enrolment import FACTOR_KINDS, OOB, RECOVERY_CODE, Authenticator


def list_authenticators(session: MfaSession) -> list[dict[str, Any]]:
    """Return the list of a user's authenticators, unconfirmed ones included."""
    waiting = [one for one in session.enrolment.authenticators if not one.is_active]
    return [*(_show(one) for one in (*session.active, *waiting)), *_recovery_code(session, is_on=True)]


def list_switched_off(session: MfaSession) -> list[dict[str, Any]]:
    """Return the confirmed authenticators of factors that the tenant has switched off: kept, and never challenged."""
    off = [one for one in session.enrolment.active if not session.is_on(one.kind)]
    return [*(_show(one) for one in off), *_recovery_code(session, is_on=False)]


def _show(authenticator: Authenticator) -> dict[str, Any]:
    kind = authenticator.kind
    common = {"id": authenticator.authenticator_id, "active": authenticator.is_active}
    authenticator_type = FACTOR_KINDS[kind].authenticator_type
    if authenticator_type != OOB:
        return {**common, "authenticator_type": authenticator_type}
    return {**common, "authenticator_type": OOB, "oob_channel": kind, "name": authenticator.masked_address}


def _recovery_code(session: MfaSession, is_on: bool) -> list[dict[str, Any]]:
    """Return the entry of the user's recovery code, if they have one. is_on: whether its factor must be on or off."""
    if RECOVERY_CODE not in session.enrolment.kinds.split(",") or session.is_on(RECOVERY_CODE) != is_on:
        return []
    kind = FACTOR_KINDS[RECOVERY_CODE]
    return [{"id": f"{kind.id_prefix}|dev_own", "authenticator_type": kind.authenticator_type, "active": True}]
