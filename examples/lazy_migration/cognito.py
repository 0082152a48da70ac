"""Ask a Cognito user pool whether a password is right, by USER_PASSWORD_AUTH, and who the person is, by GetUser.

Both requests need no AWS credentials. Source: the API reference of Amazon Cognito user pools.
"""

import base64
import hashlib
import hmac
from http import HTTPStatus
from typing import Any

from .wire import Misconfigured, RateLimited, SecondFactorAsked, Unreachable, send, setting

TARGET = "AWSCognitoIdentityProviderService"
# An unconfirmed person, or one whom an administrator made choose a new password, cannot log in there either.
REFUSALS = ("UserNotFoundException", "UserNotConfirmedException", "PasswordResetRequiredException")
# NotAuthorizedException says other things too, such as a wrong secret of the application.
REFUSING_TEXTS = ("Incorrect username or password.", "User is disabled.")
LOCKED = "Password attempts exceeded"
LIMITS = ("TooManyRequestsException", "LimitExceededException", "ThrottlingException")
TEXTS = ("email", "name", "given_name", "family_name", "nickname", "phone_number")


def find_in_pool(username: str, password: str, context: Any) -> dict[str, Any] | None:
    """Return the profile of the person whose password this is in a user pool, or None.

    Settings: COGNITO_URL, COGNITO_CLIENT_ID, and COGNITO_CLIENT_SECRET if the application has one.
    Raises OldServiceFailed.
    """
    url = setting(context, "COGNITO_URL")
    token = _log_in(url, username, password, context)
    if token is None:
        return None
    status, person = _call(url, "GetUser", {"AccessToken": token})
    if status != HTTPStatus.OK:
        raise Unreachable("GetUser does not say who this is.")
    return _profile(person, username)


def _log_in(url: str, username: str, password: str, context: Any) -> str | None:
    """Return an access token of the person, or None if the pool says no."""
    client_id = setting(context, "COGNITO_CLIENT_ID")
    given = {"USERNAME": username, "PASSWORD": password, **_secret_hash(username, client_id, context)}
    body = {"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": client_id, "AuthParameters": given}
    status, answer = _call(url, "InitiateAuth", body)
    if status != HTTPStatus.OK:
        _require_refusal(status, answer)
        return None
    challenge = answer.get("ChallengeName")
    if challenge == "NEW_PASSWORD_REQUIRED":
        # A password that an administrator chose is nobody's own.
        return None
    if challenge:
        raise SecondFactorAsked("It asks for a second factor.")
    result = answer.get("AuthenticationResult")
    if not isinstance(result, dict) or not isinstance(result.get("AccessToken"), str):
        raise Unreachable("It answered no token and no refusal.")
    return str(result["AccessToken"])


def _secret_hash(username: str, client_id: str, context: Any) -> dict[str, str]:
    secret = context.configuration.get("COGNITO_CLIENT_SECRET")
    if not secret:
        return {}
    mac = hmac.digest(secret.encode(), f"{username}{client_id}".encode(), hashlib.sha256)
    return {"SECRET_HASH": base64.b64encode(mac).decode()}


def _require_refusal(status: int, answer: dict[str, Any]) -> None:
    """Raise OldServiceFailed if an answer is neither a token nor a no."""
    error, text = str(answer.get("__type")).rpartition("#")[2], str(answer.get("message"))
    if error in REFUSALS or (error == "NotAuthorizedException" and text in REFUSING_TEXTS):
        return
    if error in LIMITS or text.startswith(LOCKED):
        raise RateLimited("It takes no more tries.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unreachable("It failed.")
    raise Misconfigured("It refuses the application, or this login before the password.")


def _call(url: str, operation: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{TARGET}.{operation}"}
    return send(url, headers, body)


def _profile(person: dict[str, Any], username: str) -> dict[str, Any]:
    attributes = {one["Name"]: one["Value"] for one in person.get("UserAttributes", [])}
    if "sub" not in attributes:
        raise Unreachable("GetUser does not say who this is.")
    profile: dict[str, Any] = {name: attributes[name] for name in TEXTS if name in attributes}
    profile |= {"user_id": attributes["sub"], "email_verified": attributes.get("email_verified") == "true"}
    if "@" not in username:
        # The pool took this name, whichever of its names it is.
        profile["username"] = username
    return profile
