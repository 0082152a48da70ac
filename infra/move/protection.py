"""Make the second factors and the attack protection of a tenant."""

from typing import Any

from chalicelib.model.enrolment import FACTOR_KINDS
from infra.move.entry import Entry
from infra.move.export import Export
from infra.move.ledger import Ledger

ALWAYS, ADAPTIVE = "all-applications", "confidence-score"
THROTTLED = "pre-login"


def make_mfa(export: Export, ledger: Ledger) -> dict[str, Any]:
    """Return the policy of second factors. One that cannot be read asks for them always."""
    factors = []
    for factor in export.items("guardianFactors"):
        name, is_enabled = factor.get("name"), factor.get("enabled") is True
        if name in FACTOR_KINDS and is_enabled and name not in factors:
            factors.append(name)
        elif is_enabled:
            ledger.approximate("guardianFactors.name", "not here: the factor cannot be enrolled", str(name)[:80])
    ledger.apply("guardianFactors.name", "guardianFactors.enabled")
    policy = _mfa_policy(export, ledger)
    if policy == "always" and not any(FACTOR_KINDS[name].is_enrolled for name in factors):
        ledger.mend("guardianFactors", "none that can be enrolled is left, and one is owed always: `otp` is added")
        factors.append("otp")
    return {"policy": policy, "factors": factors}


def _mfa_policy(export: Export, ledger: Ledger) -> str:
    key, found = "guardianPolicies", export.sections.get("guardianPolicies")
    if isinstance(found, dict):
        key, found = f"{key}.policies", found.get("policies")
    if key.partition(".")[0] not in export.sections or found == []:
        ledger.apply(key)
        return "never"
    if found == [ALWAYS]:
        ledger.apply(key)
    else:
        ledger.mend(
            key, "always here, whatever the risk: each client needs an MFA grant; `never` asks those who enrolled"
        )
    return "always"


def make_attack_protection(export: Export, ledger: Ledger) -> dict[str, Any]:
    """Return the three protections. What the export does not say has the defaults here, which are on."""
    found = {}
    for name, ours, make in (
        ("bruteForceProtection", "brute_force_protection", _brute_force),
        ("suspiciousIpThrottling", "suspicious_ip_throttling", _throttling),
        ("breachedPasswordDetection", "breached_password_detection", _breached),
    ):
        section = Entry(f"attackProtection.{name}", export.part("attackProtection", name), "", ledger)
        found[ours] = make(section)
    return found


def _enabled(section: Entry) -> dict[str, Any]:
    enabled = section.take_same("enabled", bool)
    shields = section.values.get("shields")
    if enabled and isinstance(shields, list) and "block" not in shields:
        section.approximate("shields", "what is on refuses here, and does not only tell")
    if enabled is False:
        section.mend("enabled", "is off, as at Auth0")
    return {} if enabled is None else {"enabled": enabled}


def _same(section: Entry, keys: dict[str, type]) -> dict[str, Any]:
    return {key: value for key, kind in keys.items() if (value := section.take_same(key, kind)) is not None}


def _brute_force(section: Entry) -> dict[str, Any]:
    return {**_enabled(section), **_same(section, {"mode": str, "max_attempts": int, "allowlist": list})}


def _throttling(section: Entry) -> dict[str, Any]:
    stage = section.below("stage").below(THROTTLED)
    found = _same(stage, {"max_attempts": int, "rate": int})
    return {**_enabled(section), **found, **_same(section, {"allowlist": list})}


def _breached(section: Entry) -> dict[str, Any]:
    return _enabled(section)
