"""Add claims and scopes to tokens, and remember one thing of a user."""

from typing import Any

NAMESPACE = "https://acme.example.com/"
# By scope: the roles that may have it. All users may have other scopes.
ROLES_OF_SCOPE = {
    "approve:timesheets": {"manager"},
    "delete:timesheets": {"admin"},
}


def roles_claim(user: Any, context: Any) -> None:
    """Put the user's roles into both tokens, under a name of our own."""
    roles = user.app_metadata.get("roles", [])
    context.access_token[f"{NAMESPACE}roles"] = roles
    context.id_token[f"{NAMESPACE}roles"] = roles


def scopes_by_role(user: Any, context: Any) -> None:
    """Remove the scopes that none of the user's roles may have."""
    roles = set(user.app_metadata.get("roles", []))
    context.access_token.scope = [scope for scope in context.access_token.scope if _may_have(roles, scope)]


def first_client(user: Any, context: Any) -> None:
    """Remember the client of a user's first password login; refreshes do not count."""
    if context.protocol == "oauth2-password":
        user.app_metadata.setdefault("first_client", context.client_id)


def _may_have(roles: set[str], scope: str) -> bool:
    return scope not in ROLES_OF_SCOPE or bool(roles & ROLES_OF_SCOPE[scope])
