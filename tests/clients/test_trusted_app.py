"""examples/trusted_app: what it sends, what it keeps to itself, and each second factor, without a browser."""

import re
from collections.abc import Iterator
from copy import copy
from html import unescape
from threading import Thread
from typing import Any

import httpx
import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from examples.trusted_app.app import create_app
from examples.trusted_app.gatehouse import Settings
from tests.support.http import ALICE, BACKEND, TIMESHEETS
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess, local_run
from tests.support.mfa import code_in
from tests.support.people import PASSWORD
from tests.support.tenant_documents import demo_document, write

URL = "http://127.0.0.1:9/"
NUMBER = "+14155550199"


def app_of(issuer: str) -> Flask:
    return create_app(Settings(issuer, BACKEND["client_id"], BACKEND["client_secret"], TIMESHEETS), URL)


class Visitor:
    """A visitor with cookies of their own. page: the last answer, after its redirects."""

    def __init__(self, app: Flask, address: str = "203.0.113.7") -> None:
        self.http: FlaskClient = app.test_client()
        self.address = address
        self.page: TestResponse
        self.go("/")

    def go(self, path: str, **options: Any) -> "Visitor":
        environ = {"REMOTE_ADDR": self.address}
        self.page = self.http.get(path, base_url=URL, environ_base=environ, follow_redirects=True, **options)
        return self

    def send(self, path: str, **form: str) -> "Visitor":
        """Post a form with the token of the last page."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.text)
        form |= {"csrf_token": token[1] if token else ""}
        environ = {"REMOTE_ADDR": self.address}
        self.page = self.http.post(path, data=form, base_url=URL, environ_base=environ, follow_redirects=True)
        return self

    def log_in(self, realm: str, username: str, password: str) -> "Visitor":
        return self.send("/login", realm=realm, username=username, password=password)

    @property
    def text(self) -> str:
        return unescape(self.page.get_data(as_text=True))

    @property
    def heading(self) -> str:
        (found,) = re.findall(r"<h1>(.+?)</h1>", self.text)
        return str(found)

    def shown(self, name: str) -> str:
        """Return the text of a code element."""
        (found,) = re.findall(rf'<code id="{name}">(.+?)</code>', self.text)
        return str(found)


@pytest.fixture(scope="module")
def owing_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """A run that asks everybody for a second factor."""
    directory, document = tmp_path_factory.mktemp("owing"), demo_document()
    document["mfa"]["policy"] = "always"
    names = ("app", "phone", "email")
    document["users"] = {
        "employees": [{"username": name, "email": f"{name}@example.com", "password": PASSWORD} for name in names]
    }
    with local_run(directory, "--tenant", write(directory, document), "--aws-port", "0") as started:
        yield started


def newest_code(run: LocalProcess) -> str:
    return code_in(httpx.get(f"{run.url}_local/outbox", timeout=WAIT_S).json()[0]["text"])


def test_first_login_that_owes_a_factor_enrols_an_app_and_ends_by_its_code(owing_run: LocalProcess) -> None:
    app = app_of(owing_run.url)
    visitor = Visitor(app).log_in("employees", "app", PASSWORD)
    assert visitor.heading == "Choose a second factor"
    visitor.send("/second-factor/choose", kind="otp")
    assert (visitor.heading, "data:image/svg+xml" in visitor.text) == ("Scan this code", True)
    key, recovery_code = visitor.shown("key"), visitor.shown("recovery")
    visitor.send("/second-factor/code", code="12 34 56")
    assert (visitor.page.status_code, "Invalid otp_code." in visitor.text) == (400, True)
    code = pyotp.TOTP(key).now()
    visitor.send("/second-factor/code", code=f"{code[:3]} {code[3:]}")
    assert (visitor.heading, visitor.shown("recovery")) == ("Hello, app@example.com", recovery_code)
    assert recovery_code not in visitor.go("/me").text

    later = Visitor(app).log_in("employees", "app", PASSWORD).send("/second-factor/choose", kind="recovery-code")
    later.send("/second-factor/code", code=recovery_code)
    assert later.heading == "Hello, app@example.com"
    assert later.shown("recovery") != recovery_code


@pytest.mark.parametrize(("kind", "to"), [("phone", NUMBER), ("email", "email@example.com")])
def test_code_of_a_message_enrols_and_later_logs_in(owing_run: LocalProcess, kind: str, to: str) -> None:
    app = app_of(owing_run.url)
    visitor = Visitor(app).log_in("employees", kind, PASSWORD).send("/second-factor/choose", kind=kind, to=to)
    visitor.send("/second-factor/code", code=newest_code(owing_run))
    assert visitor.heading == f"Hello, {kind}@example.com"

    later = Visitor(app).log_in("employees", kind, PASSWORD)
    if later.heading != "Show your code":
        later.send("/second-factor/choose", kind=kind)
    later.send("/second-factor/code", code=newest_code(owing_run))
    assert later.heading == f"Hello, {kind}@example.com"


def test_unknown_kind_of_factor_is_refused_and_asked_again(owing_run: LocalProcess) -> None:
    visitor = Visitor(app_of(owing_run.url)).log_in("employees", "phone", PASSWORD)

    assert visitor.send("/second-factor/choose", kind="magic").page.status_code == 400
    assert "Choose one of these." in visitor.text


def test_address_of_the_person_is_sent_and_not_the_backends(run: LocalProcess) -> None:
    app = app_of(run.url)
    strangers = Visitor(app, "198.51.100.66")
    wrong = [strangers.log_in("employees", "blocked", "wrong").text for _ in range(11)]

    assert "Wrong email or password." in wrong[0]
    assert "Your account has been blocked" in wrong[-1]
    # Another address has attempts of its own: it is told of the account's block, which the password reveals.
    assert "user is blocked" in Visitor(app, "198.51.100.67").log_in("employees", "blocked", ALICE["password"]).text


def test_form_without_its_token_is_refused(run: LocalProcess) -> None:
    visitor = Visitor(app_of(run.url))
    answers = [
        visitor.http.post("/login", data={"realm": "employees", **ALICE}, base_url=URL),
        Visitor(app_of(run.url)).http.post("/login", data={"csrf_token": "x", **ALICE}, base_url=URL),
        visitor.http.post("/log-out", base_url=URL),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9", ""])
def test_other_host_is_refused(run: LocalProcess, host: str) -> None:
    assert app_of(run.url).test_client().get("/", headers={"Host": host}).status_code == 400


def test_no_page_and_no_cookie_holds_a_token_or_a_password(run: LocalProcess) -> None:
    app = app_of(run.url)
    visitor = Visitor(app).log_in("employees", **ALICE)
    cookies = str(visitor.page.request.environ.get("HTTP_COOKIE"))
    (session,) = app.extensions["sessions"]._by_id.values()

    assert visitor.heading == "Hello, Alice Liddell"
    for secret in (session.person.access_token, session.person.refresh_token, ALICE["password"]):
        assert secret not in visitor.text + cookies + repr(session)
    assert visitor.page.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_login_gets_a_new_session_and_log_out_ends_it_and_the_tokens(run: LocalProcess) -> None:
    app = app_of(run.url)
    visitor = Visitor(app).log_in("employees", **ALICE)
    (first,) = app.extensions["sessions"]._by_id
    visitor.go("/").log_in("employees", **ALICE)
    ((second, session),) = app.extensions["sessions"]._by_id.items()
    visitor.send("/log-out")
    form = {"grant_type": "refresh_token", **BACKEND, "refresh_token": session.person.refresh_token}

    assert first != second
    assert (visitor.heading, app.extensions["sessions"]._by_id) == ("Log in", {})
    assert httpx.post(f"{run.url}oauth/token", data=form, timeout=WAIT_S).status_code == 400


def test_two_refreshes_at_once_use_the_rotating_token_once(run: LocalProcess) -> None:
    visitor = Visitor(app_of(run.url)).log_in("employees", **ALICE)
    threads = [Thread(target=copy(visitor).send, args=("/refresh",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert visitor.go("/me").send("/refresh").heading == "Hello, Alice Liddell"


def test_gatehouse_that_is_gone_is_said(run: LocalProcess) -> None:
    visitor = Visitor(app_of("http://127.0.0.1:9/")).log_in("employees", **ALICE)

    assert visitor.page.status_code == 400
    assert "Gatehouse cannot be reached." in visitor.text


def test_end_of_the_tokens_ends_the_login(run: LocalProcess) -> None:
    app = app_of(run.url)
    visitor = Visitor(app).log_in("employees", **ALICE)
    (session,) = app.extensions["sessions"]._by_id.values()
    form = {**BACKEND, "token": session.person.refresh_token}
    assert httpx.post(f"{run.url}oauth/revoke", data=form, timeout=WAIT_S).status_code == 200
    visitor.send("/refresh")

    assert (visitor.heading, "Your login is over." in visitor.text) == ("Log in", True)
