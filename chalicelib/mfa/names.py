"""How authenticators are shown: as Auth0 has them, with names that tell their owner which one it is and nobody else."""

from typing import Any

from chalicelib.mfa.session import MfaSession
from chalicelib.model.enrolment import EMAIL, FACTOR_KINDS, OOB, RECOVERY_CODE, Authenticator

SHOWN_DIGITS = 4
SHOWN_OF_DOMAIN = 4


def list_authenticators(session: MfaSession) -> list[dict[str, Any]]:
    """Return what a person is shown of their authenticators, those that wait to be confirmed included."""
    waiting = [one for one in session.enrolment.authenticators if not one.is_active]
    return [*(_show(one) for one in (*session.active, *waiting)), *_recovery_code(session, is_on=True)]


def list_switched_off(session: MfaSession) -> list[dict[str, Any]]:
    """Return what was confirmed of factors that the tenant has no more: it is challenged by nobody, and kept."""
    off = [one for one in session.enrolment.active if not session.is_on(one.kind)]
    return [*(_show(one) for one in off), *_recovery_code(session, is_on=False)]


def mask(kind: str, address: str) -> str:
    """Return a phone number with its last four digits, an email with the beginning of its domain."""
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
    """Return the person's recovery code, if they have one and its factor is on, or is not."""
    if RECOVERY_CODE not in session.enrolment.kinds.split(",") or session.is_on(RECOVERY_CODE) != is_on:
        return []
    kind = FACTOR_KINDS[RECOVERY_CODE]
    return [{"id": f"{kind.id_prefix}|dev_own", "authenticator_type": kind.authenticator_type, "active": True}]
