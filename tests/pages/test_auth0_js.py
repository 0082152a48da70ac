"""auth0-js, unchanged, in a browser: sign-up and the mail for a new password.

Its page is of the server's own origin: no other one is let in (CORS), as an application's proxy would have it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.support.local_run import LocalProcess, local_run
from tests.support.node import IS_REQUIRED

BUNDLE = Path(__file__).parents[1] / "clients" / "node" / "node_modules" / "auth0-js" / "dist" / "auth0.min.js"
CALL = """([domain, method, options]) => new Promise(resolve => {
    const sdk = new auth0.WebAuth({domain, clientID: "demo-native"});
    sdk[method](options, (error, result) => resolve({error, result}));
})"""
PERSON = {"connection": "customers", "email": "browser@example.com", "password": "quiet words at 753"}
SENT = "We've just sent you an email to reset your password."


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """A run over HTTPS, which is all that auth0-js speaks."""
    if not BUNDLE.exists():
        (pytest.fail if IS_REQUIRED else pytest.skip)("No auth0-js: npm ci --prefix tests/clients/node")
    with local_run(tmp_path_factory.mktemp("auth0-js"), "--tls", "--aws-port", "0") as started:
        yield started


@pytest.fixture
def page(browser: Browser, run: LocalProcess) -> Iterator[Page]:
    """A page of the server's origin that has loaded auth0-js."""
    with browser.new_context(ignore_https_errors=True, bypass_csp=True) as context:
        page = context.new_page()
        page.goto(run.url)
        page.add_script_tag(path=BUNDLE)
        yield page


def call(page: Page, run: LocalProcess, method: str, **options: Any) -> dict[str, Any]:
    """Call a method of WebAuth, and return what its callback gets."""
    answer: dict[str, Any] = page.evaluate(CALL, [urlsplit(run.url).netloc, method, options])
    return answer


def test_auth0_js_signs_up_and_reads_why_it_cannot(page: Page, run: LocalProcess) -> None:
    made = call(page, run, "signup", **PERSON)
    again = call(page, run, "signup", **{**PERSON, "password": "other words at 862"})
    weak = call(page, run, "signup", **{**PERSON, "email": "weak@example.com", "password": "short"})

    assert made["error"] is None
    assert (made["result"]["email"], made["result"]["emailVerified"]) == (PERSON["email"], False)
    assert (again["error"]["code"], again["error"]["statusCode"]) == ("invalid_signup", 400)
    assert weak["error"]["code"] == "invalid_password"
    assert weak["error"]["policy"]


def test_auth0_js_asks_for_the_mail_of_a_new_password(page: Page, run: LocalProcess) -> None:
    for email in ("bob@example.com", "nobody@example.com"):
        answer = call(page, run, "changePassword", connection="customers", email=email)

        assert (answer["error"], answer["result"]) == (None, SENT)
