"""How authenticators are listed: in Auth0's form, with masked names that only their owner recognises."""

from typing import Any

from chalicelib.mfa.session import MfaSession
from chalicelib.model.enrolment import EMAIL, FACTOR_KINDS, OOB, RECOVERY_CODE, Authenticator

SHOWN_DIGITS = 4
SHOWN_OF_DOMAIN = 4


def list_authenticators(session: MfaSession) -> list[dict[str, Any]]:
    """Return the list of a user's authenticators, unconfirmed ones included."""
    waiting = [one for one in session.enrolment.authenticators if not one.is_active]
    return [*(_show(one) for one in (*session.active, *waiting)), *_recovery_code(session, is_on=True)]


def list_switched_off(session: MfaSession) -> list[dict[str, Any]]:
    """Return the confirmed authenticators of factors that the tenant has switched off: kept, and never challenged."""
    off = [one for one in session.enrolment.active if not session.is_on(one.kind)]
    return [*(_show(one) for one in off), *_recovery_code(session, is_on=False)]


def mask(kind: str, address: str) -> str:
    """Return a phone number with only its last four digits, or an email with only the beginning of its domain."""
    if kind == EMAIL:
        domain = address.rpartition("@")[2]
        return f"****@{domain[:SHOWN_OF_DOMAIN]}{'*' * (len(domain) - SHOWN_OF_DOMAIN)}"
    return "X" * (len(address) - SHOWN_DIGITS) + address[-SHOWN_DIGITS:]


def _show(authenticator: Authenticator) -> dict[str, Any]:
    kind = authenticator.kind
    common = {"id": authenticator.authenticator_id, "active": authenticator.is_active}
    authenticator_type = FACTOR_KINDS[kind].authenticator_type
    if authenticator_type != OOB:
        return {**common, "authenticator_type": authenticator_type}
    name = mask(kind, authenticator.address)
    return {**common, "authenticator_type": OOB, "oob_channel": kind, "name": name}


def _recovery_code(session: MfaSession, is_on: bool) -> list[dict[str, Any]]:
    """Return the entry of the user's recovery code, if they have one. is_on: whether its factor must be on or off."""
    if RECOVERY_CODE not in session.enrolment.kinds.split(",") or session.is_on(RECOVERY_CODE) != is_on:
        return []
    kind = FACTOR_KINDS[RECOVERY_CODE]
    return [{"id": f"{kind.id_prefix}|dev_own", "authenticator_type": kind.authenticator_type, "active": True}]
