"""The sections `mfa`, `attack_protection` and `keys` of a tenant file."""

from typing import Literal

from pydantic import Field

from chalicelib.model import tenant as model
from chalicelib.model.key import ROTATION_DAYS
from infra.tenant.part import Part
from infra.tenant.values import YEAR_S, Country, FactorName, Listed, Network, RotationDays

DAY_MS = 86_400_000
# Defaults that the deployed code has too.
_GUARD, _THROTTLING = model.BruteForceProtection(), model.SuspiciousIpThrottling()


class Mfa(Part):
    """The policy of second factors, and the factors that there are. manage_max_age: seconds.

    sms_countries: ISO 3166-1 codes of the countries that text messages are sent to; empty means all.
    """

    policy: Literal["never", "always"] = "never"
    factors: Listed[FactorName] = ()
    manage_max_age: int = Field(default=model.MfaPolicy().manage_max_age_s, ge=60, le=3600)
    sms_countries: Listed[Country] = ()
    max_texts_per_hour: int | None = Field(default=None, ge=1, le=1_000_000)
    max_emails_per_hour: int | None = Field(default=None, ge=1, le=1_000_000)


class BruteForceProtection(Part):
    """The limits on guessing at one account. block_lifetime: seconds. allowlist: addresses and CIDR blocks."""

    enabled: bool = True
    mode: Literal["count_per_identifier_and_ip", "count_per_identifier"] = "count_per_identifier_and_ip"
    max_attempts: int = Field(default=_GUARD.max_attempts, ge=1, le=100)
    block_lifetime: int = Field(default=_GUARD.block_lifetime_s, ge=1, le=YEAR_S)
    allowlist: Listed[Network] = Field(default=(), max_length=100)


class SuspiciousIpThrottling(Part):
    """The limits on one address at many accounts. rate: milliseconds. allowlist: addresses and CIDR blocks."""

    enabled: bool = True
    max_attempts: int = Field(default=_THROTTLING.bucket.size, ge=1, le=100_000)
    rate: int = Field(default=_THROTTLING.bucket.rate_ms, ge=1, le=DAY_MS)
    allowlist: Listed[Network] = Field(default=(), max_length=100)


class BreachedPasswordDetection(Part):
    """The refusal of passwords that were disclosed in a breach. range_api: look them up at Pwned Passwords too."""

    enabled: bool = True
    range_api: bool = False


class AttackProtection(Part):
    """The three protections, each with its defaults."""

    brute_force_protection: BruteForceProtection = BruteForceProtection()
    suspicious_ip_throttling: SuspiciousIpThrottling = SuspiciousIpThrottling()
    breached_password_detection: BreachedPasswordDetection = BreachedPasswordDetection()


class Keys(Part):
    """The schedule of the signing keys. rotation_days: how long one signs; 0 if nothing rotates by itself."""

    rotation_days: RotationDays = ROTATION_DAYS
