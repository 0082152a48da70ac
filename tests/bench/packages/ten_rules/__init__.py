"""Ten typical rules: claims from the user's data, narrowed scopes, refusals."""

from typing import Any

NAMESPACE = "https://example.com/"


def roles(user: Any, context: Any) -> None:
    """Put the roles into the access token."""
    context.access_token[f"{NAMESPACE}roles"] = context.authorization.roles


def email(user: Any, context: Any) -> None:
    """Put the address into the access token."""
    context.access_token[f"{NAMESPACE}email"] = user.email


def language(user: Any, context: Any) -> None:
    """Put the language into both tokens."""
    for token in (context.access_token, context.id_token):
        token[f"{NAMESPACE}language"] = user.user_metadata.get("language", "en")


def department(user: Any, context: Any) -> None:
    """Put the department into the access token if it is known."""
    known = user.app_metadata.get("department")
    if known:
        context.access_token[f"{NAMESPACE}department"] = known


def realm(user: Any, context: Any) -> None:
    """Put the realm into the access token."""
    context.access_token[f"{NAMESPACE}realm"] = context.connection


def first_login(user: Any, context: Any) -> None:
    """Say whether this is the first login."""
    context.id_token[f"{NAMESPACE}first_login"] = context.stats.logins_count == 1


def verified_addresses_alone(user: Any, context: Any) -> None:
    """Refuse users without a verified address."""
    if not user.email_verified:
        context.deny("Please verify your email address first.")


def known_clients_alone(user: Any, context: Any) -> None:
    """Refuse clients whose id does not begin with demo-."""
    if not context.client_id.startswith("demo-"):
        context.deny("This application is not yours.")


def managers_approve(user: Any, context: Any) -> None:
    """Remove the scopes of managers from other users' tokens."""
    if "manager" not in context.authorization.roles:
        context.access_token.scope = [one for one in context.access_token.scope if not one.startswith("approve:")]


def active_users_alone(user: Any, context: Any) -> None:
    """Refuse active_users_alone users."""
    if user.app_metadata.get("is_suspended"):
        context.deny("Your account is active_users_alone.")


RULES = [
    roles,
    email,
    language,
    department,
    realm,
    first_login,
    verified_addresses_alone,
    known_clients_alone,
    managers_approve,
    active_users_alone,
]
