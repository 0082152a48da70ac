"""The scenarios to measure, one a line.

A form's values are filled from the session: the user, and the members of earlier answers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyotp import TOTP

from tests.bench.people import ENROLLED, LADEN, PASSWORD, PERSON, REALM
from tests.bench.serving import BenchRequest

Session = Mapping[str, Any]
RequestStep = Callable[[Session], BenchRequest]

TIMESHEETS = "https://api.example.com/timesheets"
PASSWORD_REALM = "http://auth0.com/oauth/grant-type/password-realm"
MFA_OTP = "http://auth0.com/oauth/grant-type/mfa-otp"
WRONG, MFA_REQUIRED, REFUSED = 400, 403, 429
MAX_ATTEMPTS = 10
CLIENT = {"client_id": "demo-backend", "client_secret": "demo-backend-secret"}
LOGIN = {"grant_type": "password", "username": "{username}", "password": PASSWORD, "audience": TIMESHEETS}
OPENID = {"scope": "openid profile email"}
OFFLINE = {"scope": "offline_access"}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of request.

    steps: the measured requests, together. prepared_by: the unmeasured requests before. kind: of the users.
    is_hashing: whether one bcrypt is part of it. is_spent: whether its session can be used only once.
    runs_rules: whether ten rules run. is_unconnected: whether AWS has closed all connections before.
    """

    name: str
    steps: tuple[RequestStep, ...]
    prepared_by: tuple[RequestStep, ...] = ()
    kind: str = PERSON
    is_hashing: bool = False
    is_spent: bool = False
    runs_rules: bool = False
    is_unconnected: bool = False


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


def expect(step: RequestStep, status: int) -> RequestStep:
    """Return the step, made to expect another status than 200."""
    return lambda session: replace(step(session), status=status)


def from_elsewhere(step: RequestStep) -> RequestStep:
    """Return the step, sent from the address of its session, which no other session has."""
    return lambda session: replace(step(session), source_ip=session["address"])


def with_app(session: Session) -> BenchRequest:
    """Return the request that sends the code of an authenticator app."""
    code = TOTP(session["app_secret"]).now()
    return token({"grant_type": MFA_OTP, "mfa_token": "{mfa_token}", "otp": code})(session)


LOGIN_OFFLINE = token(LOGIN, OFFLINE)
LOGIN_OPENID = token(LOGIN, OPENID)
BY_REALM = {"grant_type": PASSWORD_REALM, "realm": REALM}
REFRESH = {"grant_type": "refresh_token", "refresh_token": "{refresh_token}"}

GUESS = from_elsewhere(expect(token(LOGIN, {"password": "not the password"}), WRONG))
CLOSED = from_elsewhere(expect(token(LOGIN), REFUSED))

PASSWORD_LOGIN = "login, password"
LADEN_LOGIN = "login, with 64 KiB of metadata"
REFRESHED = "refresh"
USERINFO = "userinfo"
JWKS = "JWKS"
SCENARIOS = (
    Scenario(PASSWORD_LOGIN, (token(LOGIN),), is_hashing=True),
    Scenario("login, password-realm", (token(LOGIN, BY_REALM),), is_hashing=True),
    Scenario("login, with an ID token", (LOGIN_OPENID,), is_hashing=True),
    Scenario("login, with a refresh token", (LOGIN_OFFLINE,), is_hashing=True),
    Scenario("login, with 10 rules", (token(LOGIN),), is_hashing=True, runs_rules=True),
    Scenario("login, with TOTP", (expect(token(LOGIN), MFA_REQUIRED), with_app), kind=ENROLLED, is_hashing=True),
    Scenario(LADEN_LOGIN, (token(LOGIN),), kind=LADEN, is_hashing=True),
    Scenario("login, over new TLS connections", (token(LOGIN),), is_hashing=True, is_unconnected=True),
    Scenario("wrong password", (GUESS,), is_hashing=True),
    Scenario("attempt at a blocked account", (CLOSED,), (GUESS,) * MAX_ATTEMPTS),
    Scenario(REFRESHED, (token(REFRESH),), (LOGIN_OFFLINE,)),
    Scenario(USERINFO, (get("/userinfo", authorization="Bearer {access_token}"),), (LOGIN_OPENID,)),
    Scenario("introspection", (post("/oauth/introspect", {"token": "{access_token}"}),), (LOGIN_OPENID,)),
    Scenario("revocation", (post("/oauth/revoke", {"token": "{refresh_token}"}),), (LOGIN_OFFLINE,), is_spent=True),
    Scenario(JWKS, (get("/.well-known/jwks.json"),)),
)
