"""Users as the Management API shows them. Source: Auth0's user object."""

from datetime import UTC, datetime
from typing import Any

from chalicelib.model.tenant import Realm
from chalicelib.model.user import User

TEXTS = ("username", "email", "name", "given_name", "family_name", "nickname", "picture", "phone_number")


def show_user(realm: Realm, user: User) -> dict[str, Any]:
    """Return a user. What was never set is left out."""
    texts = {name: getattr(user, name) for name in TEXTS if getattr(user, name)}
    verified = {"email_verified": user.email_verified} if user.email else {}
    phone = {"phone_verified": user.phone_verified} if user.phone_number else {}
    times = {name: getattr(user, name) for name in ("created_at", "updated_at", "last_login", "last_password_reset")}
    factors = {"multifactor": user.multifactor.split(",")} if user.multifactor else {}
    return {
        "user_id": user.user_id,
        **texts,
        **verified,
        **phone,
        "blocked": user.blocked,
        **{name: iso_time(time) for name, time in times.items() if time},
        **({"last_ip": user.last_ip} if user.last_ip else {}),
        "logins_count": user.logins_count,
        "app_metadata": user.app_metadata,
        "user_metadata": user.user_metadata,
        "identities": [_identity(realm, user)],
        **factors,
    }


def iso_time(time_s: float) -> str:
    """Return epoch seconds in ISO 8601, in UTC."""
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _identity(realm: Realm, user: User) -> dict[str, Any]:
    own = user.user_id.rpartition("|")[2]
    return {"connection": realm.name, "provider": "auth0", "user_id": own, "isSocial": False}
