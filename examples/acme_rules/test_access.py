"""The rules that deny, on their own: any object with the right members stands in for a user or a context."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from .access import allowed_addresses, is_open, mfa_for_client, office_hours, only_verified_emails

NEVER = "mon-sun 00:00-00:00"
ALWAYS = "mon-sun 00:00-24:00"


def context_of(metadata: dict[str, str], **members: Any) -> Any:
    """Return a context with this client metadata; its denials collect the messages."""
    denials: list[str] = []
    given = {"client_metadata": metadata, "configuration": {}, "protocol": "oauth2-password", "multifactor": None}
    methods = SimpleNamespace(methods=[{"name": "pwd"}])
    return SimpleNamespace(**given | {"authentication": methods} | members, denials=denials, deny=denials.append)


@pytest.mark.parametrize(("email_verified", "denials"), [(True, 0), (False, 1)])
def test_unverified_email_is_denied(email_verified: bool, denials: int) -> None:
    context = context_of({})
    only_verified_emails(SimpleNamespace(email_verified=email_verified), context)
    assert len(context.denials) == denials


@pytest.mark.parametrize(
    ("ip", "allowed", "denials"),
    [
        ("192.0.2.7", "192.0.2.0/24", 0),
        ("198.51.100.7", "192.0.2.0/24", 1),
        ("2001:db8::7", "192.0.2.0/24 2001:db8::/32", 0),
        ("198.51.100.7", "", 0),
    ],
)
def test_address_outside_of_the_list_is_denied(ip: str, allowed: str, denials: int) -> None:
    context = context_of({"allowed_addresses": allowed}, request=SimpleNamespace(ip=ip))
    allowed_addresses(SimpleNamespace(), context)
    assert len(context.denials) == denials


@pytest.mark.parametrize(
    ("hours", "on_duty", "denials"), [(ALWAYS, "", 0), (NEVER, "", 1), (NEVER, "a@acme.example", 0)]
)
def test_login_outside_of_office_hours_is_denied_but_on_duty(hours: str, on_duty: str, denials: int) -> None:
    context = context_of({"office_hours": hours}, configuration={"ON_DUTY": on_duty})
    office_hours(SimpleNamespace(email="a@acme.example"), context)
    assert len(context.denials) == denials


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 11, 20, 6, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 20, 7, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 20, 16, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 20, 17, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 21, 12, 0, tzinfo=UTC), False),
    ],
)
def test_office_is_open_from_the_first_minute_to_the_last(now: datetime, expected: bool) -> None:
    assert is_open("mon-fri 07:00-17:00", now) is expected


@pytest.mark.parametrize(
    ("metadata", "members", "multifactor"),
    [
        ({"mfa": "required"}, {}, {"provider": "any"}),
        ({}, {}, None),
        ({"mfa": "required"}, {"protocol": "oauth2-refresh-token"}, None),
        ({"mfa": "required"}, {"authentication": SimpleNamespace(methods=[{"name": "pwd"}, {"name": "mfa"}])}, None),
    ],
)
def test_second_factor_is_asked_once_where_the_client_requires_it(
    metadata: dict[str, str], members: dict[str, Any], multifactor: object
) -> None:
    context = context_of(metadata, **members)
    mfa_for_client(SimpleNamespace(), context)
    assert context.multifactor == multifactor
