"""The scenarios to measure, one a line.

A form's values are filled from the session: the user, and the members of earlier answers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyotp import TOTP

from tests.bench.people import ENROLLED, PASSWORD, PERSON, REALM
from tests.bench.serving import BenchRequest

Session = Mapping[str, Any]
RequestStep = Callable[[Session], BenchRequest]

TIMESHEETS = "https://api.example.com/timesheets"
PASSWORD_REALM = "http://auth0.com/oauth/grant-type/password-realm"
MFA_OTP = "http://auth0.com/oauth/grant-type/mfa-otp"
MFA_REQUIRED = 403
CLIENT = {"client_id": "demo-backend", "client_secret": "demo-backend-secret"}
LOGIN = {"grant_type": "password", "username": "{username}", "password": PASSWORD, "audience": TIMESHEETS}
OPENID = {"scope": "openid profile email"}
OFFLINE = {"scope": "offline_access"}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of request.

    steps: the measured requests, together. prepared_by: the unmeasured requests before. kind: of the users.
    is_hashing: whether one bcrypt is part of it. is_spent: whether its session can be used only once.
    runs_rules: whether ten rules run.
    """

    name: str
    steps: tuple[RequestStep, ...]
    prepared_by: tuple[RequestStep, ...] = ()
    kind: str = PERSON
    is_hashing: bool = False
    is_spent: bool = False
    runs_rules: bool = False


def post(path: str, form: Mapping[str, str]) -> RequestStep:
    """Return the step that posts a form, with values from the session, as the demo client unless it names another."""
    whole = {**CLIENT, **form}
    return lambda session: BenchRequest("POST", path, {name: text.format_map(session) for name, text in whole.items()})


def get(path: str, **headers: str) -> RequestStep:
    """Return the step that gets a path, with headers filled from the session."""
    return lambda session: BenchRequest(
        "GET", path, headers={name: text.format_map(session) for name, text in headers.items()}
    )


def token(*forms: Mapping[str, str]) -> RequestStep:
    """Return the step that posts merged forms to the token endpoint."""
    return post("/oauth/token", {name: text for form in forms for name, text in form.items()})


def expect_challenge(step: RequestStep) -> RequestStep:
    """Return the step, made to expect an answer that asks for a second factor."""
    return lambda session: replace(step(session), status=MFA_REQUIRED)


def with_app(session: Session) -> BenchRequest:
    """Return the request that sends the code of an authenticator app."""
    code = TOTP(session["app_secret"]).now()
    return token({"grant_type": MFA_OTP, "mfa_token": "{mfa_token}", "otp": code})(session)


LOGIN_OFFLINE = token(LOGIN, OFFLINE)
LOGIN_OPENID = token(LOGIN, OPENID)
BY_REALM = {"grant_type": PASSWORD_REALM, "realm": REALM}
REFRESH = {"grant_type": "refresh_token", "refresh_token": "{refresh_token}"}

PASSWORD_LOGIN = "login, password"
REFRESHED = "refresh"
JWKS = "JWKS"
SCENARIOS = (
    Scenario(PASSWORD_LOGIN, (token(LOGIN),), is_hashing=True),
    Scenario("login, password-realm", (token(LOGIN, BY_REALM),), is_hashing=True),
    Scenario("login, with an ID token", (LOGIN_OPENID,), is_hashing=True),
    Scenario("login, with a refresh token", (LOGIN_OFFLINE,), is_hashing=True),
    Scenario("login, with 10 rules", (token(LOGIN),), is_hashing=True, runs_rules=True),
    Scenario("login, with TOTP", (expect_challenge(token(LOGIN)), with_app), kind=ENROLLED, is_hashing=True),
    Scenario(REFRESHED, (token(REFRESH),), (LOGIN_OFFLINE,)),
    Scenario("userinfo", (get("/userinfo", authorization="Bearer {access_token}"),), (LOGIN_OPENID,)),
    Scenario("introspection", (post("/oauth/introspect", {"token": "{access_token}"}),), (LOGIN_OPENID,)),
    Scenario("revocation", (post("/oauth/revoke", {"token": "{refresh_token}"}),), (LOGIN_OFFLINE,), is_spent=True),
    Scenario(JWKS, (get("/.well-known/jwks.json"),)),
)
