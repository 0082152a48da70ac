"""The row of a person in an export: Auth0's bulk form, with what Gatehouse has beside it (docs/run/moving.md)."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from chalicelib.model.enrolment import EMAIL, OTP, SMS, Authenticator, Enrolment
from chalicelib.model.user import User

TIMES = ("created_at", "updated_at", "last_login", "last_password_reset", "migrated_at")
# A reader may rely on these; of the others, an empty one is left out.
ALWAYS = (
    "user_id", "email_verified", "blocked", "created_at", "updated_at", "logins_count", "user_metadata", "app_metadata",
    "roles", "permissions",
)  # fmt: skip
# In the order of a row.
FIELDS = (
    "user_id", "username", "email", "email_verified", "name", "given_name", "family_name", "nickname", "picture",
    "phone_number", "phone_verified", "blocked", "created_at", "updated_at", "last_login", "last_password_reset",
    "last_ip", "logins_count", "migrated_at", "known_addresses", "user_metadata", "app_metadata", "roles",
    "permissions",
)  # fmt: skip
# Auth0's names of factors in its bulk form, each with the member that holds the secret or the address.
FACTORS = {OTP: ("totp", "secret"), SMS: ("phone", "value"), EMAIL: ("email", "value")}


def row_of(user: User) -> dict[str, Any]:
    """Return the row of a person without any secret. Times are in ISO 8601, in UTC."""
    values = {name: _in_json(name, getattr(user, name)) for name in FIELDS}
    return {name: value for name, value in values.items() if value or name in ALWAYS}


def secrets_of(user: User, enrolment: Enrolment, secrets: Mapping[str, str]) -> dict[str, Any]:
    """Return the members of a row that hold a person's secrets.

    secrets: the plain texts of the sealed ones, by authenticator_id. Factors that nobody confirmed are left out.
    """
    values = {
        "password_hash": user.password_hash,
        "password_history": user.password_history,
        "mfa_factors": [_factor(one, secrets) for one in enrolment.active],
        # Without a factor beside it, it is of no use.
        "recovery_code_hash": enrolment.recovery_hash if enrolment.active else "",
        "factor_history": [asdict(one) for one in enrolment.history],
    }
    return {name: value for name, value in values.items() if value}


def _factor(factor: Authenticator, secrets: Mapping[str, str]) -> dict[str, Any]:
    name, member = FACTORS[factor.kind]
    value = secrets[factor.authenticator_id] if factor.kind == OTP else factor.address
    used = {"last_step": factor.last_step} if factor.kind == OTP else {}
    return {name: {member: value}, "authenticator_id": factor.authenticator_id, **used}


def _in_json(name: str, value: Any) -> Any:
    if name in TIMES:
        return iso(value) if value or name in ALWAYS else ""
    return [asdict(one) for one in value] if name == "permissions" else value


def iso(epoch_s: int) -> str:
    """Return a time as Auth0's exports write it."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
