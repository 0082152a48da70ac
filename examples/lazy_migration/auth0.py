"""Ask Auth0 whether a password is right, by its password-realm grant, and who the person is, by its /userinfo."""

from http import HTTPStatus
from typing import Any

from .wire import Misconfigured, RateLimited, SecondFactorAsked, Unreachable, send, setting

GRANT = "http://auth0.com/oauth/grant-type/password-realm"
SCOPE = "openid profile email phone"
# A wrong password, and people who are blocked or turned away there.
REFUSALS = ("invalid_grant", "unauthorized")
LIMITS = ("too_many_attempts", "too_many_logins", "too_many_requests")
# Claims of /userinfo that are members of a profile.
MEMBERS = ("email", "email_verified", "name", "given_name", "family_name", "nickname", "picture", "phone_number")


def find_at_auth0(username: str, password: str, context: Any) -> dict[str, Any] | None:
    """Return the profile of the person whose password this is at Auth0, or None.

    Settings: AUTH0_URL, AUTH0_CONNECTION, AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET. Raises OldServiceFailed.
    """
    url = setting(context, "AUTH0_URL").rstrip("/")
    token = _log_in(url, username, password, context)
    if token is None:
        return None
    status, claims = send(f"{url}/userinfo", {"Authorization": f"Bearer {token}"})
    if status != HTTPStatus.OK or not isinstance(claims.get("sub"), str):
        raise Unreachable("/userinfo does not say who this is.")
    return _profile(claims, username)


def _log_in(url: str, username: str, password: str, context: Any) -> str | None:
    """Return an access token of the person, or None if Auth0 says no."""
    body = {
        "grant_type": GRANT,
        "realm": setting(context, "AUTH0_CONNECTION"),
        "client_id": setting(context, "AUTH0_CLIENT_ID"),
        "client_secret": setting(context, "AUTH0_CLIENT_SECRET"),
        "username": username,
        "password": password,
        "scope": SCOPE,
    }
    # Otherwise Auth0's attack protection takes all who move for one address.
    headers = {"Content-Type": "application/json", "auth0-forwarded-for": context.request.ip}
    status, answer = send(f"{url}/oauth/token", headers, body)
    if status == HTTPStatus.OK and isinstance(answer.get("access_token"), str):
        return str(answer["access_token"])
    error = answer.get("error")
    if error in REFUSALS:
        return None
    raise _failure(status, error)


def _failure(status: int, error: object) -> Exception:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.OK:
        return Unreachable("It answered no token and no refusal.")
    if error in LIMITS:
        return RateLimited("It takes no more tries.")
    if error == "mfa_required":
        return SecondFactorAsked("It asks for a second factor.")
    return Misconfigured("It refuses the application, or this login before the password.")


def _profile(claims: dict[str, Any], username: str) -> dict[str, Any]:
    profile = {"user_id": claims["sub"], **{name: claims[name] for name in MEMBERS if name in claims}}
    if not str(profile.get("picture")).startswith("https://"):
        profile.pop("picture", None)
    if "@" not in username:
        # /userinfo has no username, and Auth0 took this one.
        profile["username"] = username
    return profile
