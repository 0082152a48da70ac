"""The rules that add claims and scopes, on their own. A token is a dict that has a scope."""

from types import SimpleNamespace
from typing import Any

import pytest

from .claims import first_client, roles_claim, scopes_by_role


class Token(dict[str, Any]):
    """Stands in for a token."""

    scope: Any = ()


def user_of(**app_metadata: Any) -> Any:
    """Return a user with this app_metadata."""
    return SimpleNamespace(app_metadata=app_metadata)


def context_of(*scopes: str, protocol: str = "oauth2-password") -> Any:
    """Return a context that grants these scopes."""
    context = SimpleNamespace(access_token=Token(), id_token=Token(), protocol=protocol, client_id="app")
    context.access_token.scope = list(scopes)
    return context


@pytest.mark.parametrize(("app_metadata", "roles"), [({"roles": ["manager"]}, ["manager"]), ({}, [])])
def test_roles_are_in_both_tokens(app_metadata: dict[str, Any], roles: list[str]) -> None:
    context = context_of()
    roles_claim(user_of(**app_metadata), context)
    assert context.access_token == context.id_token == {"https://acme.example.com/roles": roles}


@pytest.mark.parametrize(
    ("roles", "left"),
    [
        (["manager"], ["read:timesheets", "approve:timesheets"]),
        (["manager", "admin"], ["read:timesheets", "approve:timesheets", "delete:timesheets"]),
        ([], ["read:timesheets"]),
    ],
)
def test_scope_of_a_role_is_left_to_those_who_have_it(roles: list[str], left: list[str]) -> None:
    context = context_of("read:timesheets", "approve:timesheets", "delete:timesheets")
    scopes_by_role(user_of(roles=roles), context)
    assert context.access_token.scope == left


@pytest.mark.parametrize(
    ("protocol", "before", "after"),
    [
        ("oauth2-password", {}, {"first_client": "app"}),
        ("oauth2-password", {"first_client": "other"}, {"first_client": "other"}),
        ("oauth2-refresh-token", {}, {}),
    ],
)
def test_first_client_is_remembered_at_a_password_login(
    protocol: str, before: dict[str, str], after: dict[str, str]
) -> None:
    user = user_of(**before)
    first_client(user, context_of(protocol=protocol))
    assert user.app_metadata == after
