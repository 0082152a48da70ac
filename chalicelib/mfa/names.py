"""How authenticators are shown: as Auth0 has them, with names that tell their owner which one it is and nobody else."""

from typing import Any

from chalicelib.mfa.case import Case
from chalicelib.model.enrolment import EMAIL, FACTOR_KINDS, OOB, RECOVERY_CODE, Authenticator

SHOWN_DIGITS = 4
SHOWN_OF_DOMAIN = 4


def shown(case: Case) -> list[dict[str, Any]]:
    """Return what a person is shown of their authenticators, those that wait to be confirmed included."""
    waiting = [one for one in case.enrolment.authenticators if not one.is_active]
    return [*(_shown(one) for one in (*case.active, *waiting)), *_recovery_code(case, is_on=True)]


def switched_off(case: Case) -> list[dict[str, Any]]:
    """Return what was confirmed of factors that the tenant has no more: it is challenged by nobody, and kept."""
    off = [one for one in case.enrolment.active if not case.is_on(one.kind)]
    return [*(_shown(one) for one in off), *_recovery_code(case, is_on=False)]


def masked(kind: str, address: str) -> str:
    """Return a phone number with its last four digits, an email with the beginning of its domain."""
    if kind == EMAIL:
        domain = address.rpartition("@")[2]
        return f"****@{domain[:SHOWN_OF_DOMAIN]}{'*' * (len(domain) - SHOWN_OF_DOMAIN)}"
    return "X" * (len(address) - SHOWN_DIGITS) + address[-SHOWN_DIGITS:]


def _shown(authenticator: Authenticator) -> dict[str, Any]:
    kind = authenticator.kind
    common = {"id": authenticator.authenticator_id, "active": authenticator.is_active}
    authenticator_type = FACTOR_KINDS[kind].authenticator_type
    if authenticator_type != OOB:
        return {**common, "authenticator_type": authenticator_type}
    name = masked(kind, authenticator.address)
    return {**common, "authenticator_type": OOB, "oob_channel": kind, "name": name}


def _recovery_code(case: Case, is_on: bool) -> list[dict[str, Any]]:
    """Return the person's recovery code, if they have one and its factor is on, or is not."""
    if RECOVERY_CODE not in case.enrolment.kinds.split(",") or case.is_on(RECOVERY_CODE) != is_on:
        return []
    kind = FACTOR_KINDS[RECOVERY_CODE]
    return [{"id": f"{kind.id_prefix}|dev_own", "authenticator_type": kind.authenticator_type, "active": True}]
