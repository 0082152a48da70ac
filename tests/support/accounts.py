"""A stage on which people make and mend their own accounts, and what the emails to them hold."""

import itertools
import re
from typing import Any

import httpx

from infra.tenant.file import load
from infra.tenant.schema import PasswordReset, SignUp, TenantFile
from tests.support.fixed import DEMO
from tests.support.http import Http
from tests.support.mfa import emails_to
from tests.support.schedule import EVENT

# The realms of `open_demo`: sign-ups that tell who exists, sign-ups that need a verified email, and none at all.
OPEN, VERIFIED, CLOSED = "employees", "customers", "partners"
PASSWORD = "quiet words at 753"
NEW_PASSWORD = "other quiet words 358"
CLIENT = {"client_id": "demo-native"}
CODE = re.compile(r"\b[0-9]{6}\b")
TICKET = re.compile(r"et1_[0-9a-f]{32}[A-Za-z0-9_-]{43}")
_numbers = itertools.count(1)


def open_demo(**resets: Any) -> TenantFile:
    """Return the demo tenant with sign-ups. resets: keys of `password_reset` of every realm."""
    demo, reset = load(DEMO), PasswordReset(**resets)
    signs = {OPEN: SignUp(enabled=True), VERIFIED: SignUp(enabled=True, requires_verified_email=True)}
    realms = tuple(
        realm.model_copy(update={"signup": signs.get(realm.name, SignUp()), "password_reset": reset})
        for realm in demo.realms
    )
    clients = tuple(
        one.model_copy(update={"realms": (*one.realms, CLOSED)}) if one.realms else one for one in demo.clients
    )
    return demo.model_copy(update={"realms": realms, "clients": clients})


def new_email() -> str:
    """Return an address that no other test has."""
    return f"newcomer{next(_numbers)}@example.com"


def call(http: Http, path: str, realm: str, **params: Any) -> httpx.Response:
    """Send a call about an account through demo-native; a parameter that is None is left out."""
    body = {**CLIENT, "connection": realm, **params}
    return http.post(path, json={name: value for name, value in body.items() if value is not None})


def sign_up(http: Http, realm: str, email: str, password: str | None = PASSWORD, **params: Any) -> httpx.Response:
    return call(http, "/dbconnections/signup", realm, email=email, password=password, **params)


def ask_reset(http: Http, realm: str, email: str | None, **params: Any) -> httpx.Response:
    return call(http, "/dbconnections/change_password", realm, email=email, **params)


def ask_verification(http: Http, realm: str, email: str | None, **params: Any) -> httpx.Response:
    return call(http, "/accounts/send_verification", realm, email=email, **params)


def verify(http: Http, realm: str, **params: Any) -> httpx.Response:
    return call(http, "/accounts/verify_email", realm, **params)


def reset(http: Http, realm: str, password: str | None = NEW_PASSWORD, **params: Any) -> httpx.Response:
    return call(http, "/accounts/reset_password", realm, password=password, **params)


def log_in(http: Http, realm: str, username: str, password: str = PASSWORD, **params: str | None) -> httpx.Response:
    return http.realm_login(realm, username=username, password=password, **params)


def run_schedule(http: Http) -> None:
    """Do what EventBridge has the function do each minute."""
    http.app.handler_map["tell_blocked"](EVENT, None)


def mails(http: Http, email: str) -> list[str]:
    """Run the schedule, and return the emails to an address, the oldest first."""
    run_schedule(http)
    return emails_to(email)


def code_of(mail: str) -> str:
    (code,) = CODE.findall(mail)
    return str(code)


def ticket_of(mail: str) -> str:
    """Return the ticket of an email's link."""
    (ticket,) = set(TICKET.findall(mail))
    return str(ticket)


def wrong(code: str) -> str:
    """Return another code than this."""
    return f"{(int(code) + 1) % 10**6:06}"
