"""auth0-python's `Database`, unmodified, and what auth0-js and node-auth0 send, against a local run."""

import time

import httpx
import pytest
from auth0.authentication import Database, GetToken
from auth0.authentication.exceptions import Auth0Error

from tests.clients.support import domain
from tests.support.accounts import code_of
from tests.support.local_run import LocalProcess

REALM, EMAIL, PASSWORD = "customers", "dana@example.com", "quiet words at 753"
NEW_PASSWORD = "other quiet words 358"
SENT = "We've just sent you an email to reset your password."
# auth0-js turns its own names into snake_case, and sends these headers.
AUTH0_JS = {"Content-Type": "application/json", "Auth0-Client": "eyJuYW1lIjoiYXV0aDAuanMifQ=="}

# The SDK asks for the time in a way that newer versions of Python warn of.
pytestmark = pytest.mark.filterwarnings("ignore:.*utcnow:DeprecationWarning")


@pytest.fixture
def database(run: LocalProcess) -> Database:
    return Database(domain(run), "demo-native", protocol="http")


def mailed(run: LocalProcess, email: str, count: int) -> str:
    """Return the newest email to an address, once there are so many."""
    ends_at = time.monotonic() + 30
    while time.monotonic() < ends_at:
        outbox = httpx.get(f"{run.url}_local/outbox", headers={"Accept": "application/json"}).json()
        texts = [one["text"] for one in outbox if one["to"] == email]
        if len(texts) >= count:
            return str(texts[0])
        time.sleep(0.2)
    raise AssertionError(f"no email came to {email}")


def test_auth0_python_signs_up_and_resets_a_password(run: LocalProcess, database: Database) -> None:
    signed_up = database.signup(EMAIL, PASSWORD, REALM, user_metadata={"plan": "free"}, name="Dana")
    token = GetToken(domain(run), "demo-native", protocol="http")
    login = {"username": EMAIL, "realm": REALM, "scope": "openid"}
    tokens = token.login(**login, password=PASSWORD)
    mailed(run, EMAIL, 1)
    told = database.change_password(EMAIL, REALM)
    code = code_of(mailed(run, EMAIL, 2))
    body = {"client_id": "demo-native", "connection": REALM, "email": EMAIL, "code": code, "password": NEW_PASSWORD}
    reset = httpx.post(f"{run.url}accounts/reset_password", json=body)

    assert (signed_up["email"], signed_up["email_verified"], len(signed_up["_id"])) == (EMAIL, False, 24)
    assert tokens["id_token"]
    assert told == SENT
    assert reset.status_code == 200, reset.text
    assert token.login(**login, password=NEW_PASSWORD)["access_token"]


def test_auth0_python_reads_the_refusals(database: Database) -> None:
    with pytest.raises(Auth0Error) as taken:
        database.signup("bob@example.com", PASSWORD, REALM)
    with pytest.raises(Auth0Error) as weak:
        database.signup("weak@example.com", "x9!q", REALM)
    with pytest.raises(Auth0Error) as closed:
        database.signup("new@example.com", PASSWORD, "employees")

    assert (taken.value.status_code, taken.value.error_code, taken.value.message) == (
        400, "invalid_signup", "Invalid sign up",
    )  # fmt: skip
    assert (weak.value.status_code, weak.value.error_code) == (400, "invalid_password")
    assert weak.value.message == "The password has fewer than 12 characters."
    assert (closed.value.status_code, closed.value.error_code) == (403, "signup_disabled")


def test_auth0_js_and_node_auth0_find_the_members_that_they_read(run: LocalProcess) -> None:
    with httpx.Client(base_url=run.url, headers=AUTH0_JS) as browser:
        body = {"client_id": "demo-native", "connection": REALM, "email": "eve@example.com", "password": PASSWORD}
        signed_up = browser.post("dbconnections/signup", json=body | {"user_metadata": {"plan": "free"}})
        taken = browser.post("dbconnections/signup", json=body | {"password": NEW_PASSWORD})
        weak = browser.post("dbconnections/signup", json=body | {"email": "weak@example.com", "password": "short"})
        changed = browser.post("dbconnections/change_password", json=body | {"password": ""})

    # auth0-js: error = err.error || err.code, description = err.error_description || err.description.
    assert {"_id", "email", "email_verified"} <= set(signed_up.json())
    assert (taken.json()["code"], taken.json()["description"], taken.json()["statusCode"]) == (
        "invalid_signup", "Invalid sign up", 400,
    )  # fmt: skip
    assert (weak.json()["name"], weak.json()["policy"].splitlines()[0]) == (
        "PasswordStrengthError", "* At least 12 characters in length",
    )  # fmt: skip
    assert (changed.status_code, changed.text) == (200, SENT)
