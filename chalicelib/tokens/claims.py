"""The claims of each kind of token. Pure."""

from collections.abc import Collection
from typing import Any

from chalicelib.model.login import Access, Login
from chalicelib.model.tenant import mfa_audience
from chalicelib.model.user import User

# Auth0's dialects have a typ of their own; the others follow RFC 9068 2.1.
TYP = {
    "rfc9068_profile": "at+jwt",
    "rfc9068_profile_authz": "at+jwt",
    "access_token": "JWT",
    "access_token_authz": "JWT",
}
ID_TOKEN_TYP = "JWT"
OPENID = "openid"
_SCOPES_OF_PROFILE = frozenset({"profile", "email", "phone"})


def make_access_token_claims(issuer: str, login: Login, access: Access, jti: str, now: int) -> dict[str, Any]:
    """Return an access token's claims. now: epoch seconds.

    aud is the API alone, or the API and /userinfo if openid was granted. gty is a list if the login continues
    another. Source: RFC 9068 2.2; docs/use/http.md "Tokens".
    """
    gty = login.gty[0] if len(login.gty) == 1 else list(login.gty)
    return (
        dict(access.claims)
        | {
            "iss": issuer,
            "sub": login.sub,
            "aud": _audience(issuer, access),
            "iat": now,
            "exp": expires_at(login, now, access.token_lifetime_s),
            "jti": jti,
            "client_id": login.client_id,
            "azp": login.client_id,
            "scope": access.scope,
            "gty": gty,
        }
        | ({} if access.permissions is None else {"permissions": list(access.permissions)})
        | _authentication(login)
        | _credential_version(issuer, login, access)
    )


def expires_at(login: Login, now: int, lifetime_s: int) -> int:
    """Return when a token of this login ends, in epoch seconds."""
    return min(now + lifetime_s, login.latest_exp or now + lifetime_s)


def shows_profile(scopes: Collection[str]) -> bool:
    """Return whether an ID token with these scopes shows anything of the user's profile."""
    return OPENID in scopes and not _SCOPES_OF_PROFILE.isdisjoint(scopes)


def make_id_token_claims(issuer: str, login: Login, access: Access, now: int) -> dict[str, Any]:
    """Return an ID token's claims: the login, the user's claims that the scopes allow, and those that rules added.

    Source: OpenID Connect Core 2, 5.4.
    """
    return {
        "iss": issuer,
        "sub": login.sub,
        "aud": login.client_id,
        "iat": now,
        "exp": expires_at(login, now, access.id_token_lifetime_s),
        **_authentication(login),
        **(make_user_claims(login.person, access.scopes) if shows_profile(access.scopes) else {}),
        **access.id_token_claims,
    }


def make_user_claims(user: User, scopes: tuple[str, ...]) -> dict[str, Any]:
    """Return the user's known claims that the granted scopes allow. Source: OpenID Connect Core 5.4."""
    by_scope: dict[str, dict[str, Any]] = {
        "profile": {
            "name": user.name,
            "given_name": user.given_name,
            "family_name": user.family_name,
            "nickname": user.nickname,
            "preferred_username": user.username,
            "picture": user.picture,
            "updated_at": user.updated_at,
        },
        "email": {"email": user.email, "email_verified": user.email_verified if user.email else ""},
        "phone": {
            "phone_number": user.phone_number,
            "phone_number_verified": user.phone_verified if user.phone_number else "",
        },
    }
    shown = {name: value for scope in scopes for name, value in by_scope.get(scope, {}).items()}
    return {name: value for name, value in shown.items() if value != ""}


def _authentication(login: Login) -> dict[str, Any]:
    """Return the time and methods of a user's login; empty for a client on its own behalf."""
    return {} if login.auth_time is None else {"auth_time": login.auth_time, "amr": list(login.amr)}


def _credential_version(issuer: str, login: Login, access: Access) -> dict[str, Any]:
    """Return the credential version if this is an access token of the MFA API: it ends when the user's changes."""
    if access.audience != mfa_audience(issuer) or login.user is None:
        return {}
    return {"credential_version": login.user.credential_epoch}


def _audience(issuer: str, access: Access) -> str | list[str]:
    userinfo = f"{issuer}userinfo"
    if access.audience is None:
        return userinfo
    return [access.audience, userinfo] if OPENID in access.scopes else access.audience
