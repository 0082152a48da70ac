"""Ten rules as teams write them: claims from the person's data, narrowed scopes, a refusal."""

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
    """Put the department into the access token where it is known."""
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
    """Refuse who has not verified an address."""
    if not user.email_verified:
        context.deny("Please verify your email address first.")


def known_clients_alone(user: Any, context: Any) -> None:
    """Refuse the applications of others."""
    if not context.client_id.startswith("demo-"):
        context.deny("This application is not yours.")


def managers_approve(user: Any, context: Any) -> None:
    """Take the scope of managers from everybody else."""
    if "manager" not in context.authorization.roles:
        context.access_token.scope = [one for one in context.access_token.scope if not one.startswith("approve:")]


def suspended(user: Any, context: Any) -> None:
    """Refuse who is suspended."""
    if user.app_metadata.get("is_suspended"):
        context.deny("Your account is suspended.")


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
    suspended,
]
