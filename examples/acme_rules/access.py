"""Rules that deny a login, or ask for a second factor. The client's metadata configure them."""

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
REFRESH = "oauth2-refresh-token"


def only_verified_emails(user: Any, context: Any) -> None:
    """Refuse users without a verified email address."""
    if not user.email_verified:
        context.deny("Please verify your email address.")


def allowed_addresses(user: Any, context: Any) -> None:
    """Refuse logins from outside of the client's `allowed_addresses`: addresses and CIDR blocks."""
    allowed = context.client_metadata.get("allowed_addresses")
    if allowed and not _is_within(context.request.ip, allowed.split()):
        context.deny("This application cannot be used from your network.")


def office_hours(user: Any, context: Any) -> None:
    """Refuse logins outside of the client's `office_hours`, such as `mon-fri 07:00-17:00`, except of users on duty."""
    hours = context.client_metadata.get("office_hours")
    on_duty = context.configuration.get("ON_DUTY", "").split()
    if hours and user.email not in on_duty and not is_open(hours, datetime.now(UTC)):
        context.deny("This application can be used in office hours alone.")


def mfa_for_client(user: Any, context: Any) -> None:
    """Ask for a second factor, once for each login, if the client's metadata say `mfa: required`."""
    # No user is present at a refresh, and its login had a second factor already.
    if context.client_metadata.get("mfa") != "required" or context.protocol == REFRESH:
        return
    if "mfa" not in [method["name"] for method in context.authentication.methods]:
        context.multifactor = {"provider": "any"}


def is_open(hours: str, now: datetime) -> bool:
    """Return whether now is in hours: first and last weekday, opening time and closing time, all in UTC."""
    days, times = hours.split()
    first, last = (WEEKDAYS.index(day) for day in days.split("-"))
    opens, closes = times.split("-")
    return first <= now.weekday() <= last and opens <= now.strftime("%H:%M") < closes


def _is_within(address: str, allowed: list[str]) -> bool:
    return any(ip_address(address) in ip_network(block, strict=False) for block in allowed)
