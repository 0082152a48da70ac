"""`make demo` in a browser: the application of the realm drop-down, from the first login to the log-out."""

import re
import threading
import time
from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser

from tests.pages.visitor import Visitor
from tests.support.demo_run import Demo, demo_run
from tests.support.http import ALICE
from tests.support.limits import WAIT_S

BOB = {"username": "bob@example.com", "password": "bob's long password"}
CUSTOMER = {"username": "alice@example.com", "password": "a different directory"}


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """The three processes."""
    with demo_run() as started:
        yield started


@pytest.fixture
def visitor(browser: Browser, demo: Demo) -> Iterator[Visitor]:
    """A visitor on a small phone in the dark, at the application's first page."""
    context = browser.new_context(viewport={"width": 320, "height": 568}, color_scheme="dark")
    context.set_default_timeout(8000)
    visitor = Visitor(context.new_page(), demo.url)
    visitor.page.goto(demo.url)
    yield visitor
    context.close()
    # The QR code is in the page.
    visitor.requests = [url for url in visitor.requests if not url.startswith("data:image/svg+xml")]
    visitor.require_quiet()


def log_in(visitor: Visitor, realm: str, username: str, password: str) -> int:
    """Fill in the form by its labels, and press its button."""
    visitor.page.get_by_label("I am one of your").select_option(realm)
    visitor.page.get_by_label("Username or email").fill(username)
    visitor.page.get_by_label("Password").fill(password)
    return visitor.press("Log in")


def claims(visitor: Visitor) -> dict[str, str]:
    """Return the claims that are shown."""
    rows = visitor.page.locator("section[aria-labelledby=claims] tr").all()
    return {row.locator("th").inner_text(): row.locator("td").inner_text() for row in rows}


def fill_code(visitor: Visitor, code: str) -> None:
    visitor.page.get_by_label("Code", exact=True).fill(code)
    visitor.press("Continue")


def test_employee_and_customer_of_one_email_are_two_people(visitor: Visitor) -> None:
    log_in(visitor, "Employees", **ALICE)
    employee, heading = claims(visitor), visitor.heading
    visitor.press("Log out")
    log_in(visitor, "Customers", **CUSTOMER)
    customer = claims(visitor)

    assert heading == "Hello, Alice Liddell"
    assert employee["realm"] == "Employees" and employee["sub"].startswith("employees|")
    assert customer["realm"] == "Customers" and customer["sub"].startswith("customers|")
    assert employee["email"] == customer["email"] == "alice@example.com"


def test_wrong_password_is_said_beside_the_form_and_what_was_typed_stays(visitor: Visitor) -> None:
    status = log_in(visitor, "Customers", CUSTOMER["username"], "wrong")
    page = visitor.page

    assert (status, page.get_by_role("alert").inner_text()) == (400, "Wrong email or password.")
    assert page.get_by_label("Username or email").input_value() == CUSTOMER["username"]
    assert page.get_by_label("I am one of your").input_value() == "customers"
    assert page.get_by_label("Password").input_value() == ""
    visitor.page.wait_for_function("document.activeElement.name === 'password'")


def test_page_of_a_person_refreshes_calls_the_api_and_holds_no_token(visitor: Visitor) -> None:
    log_in(visitor, "Customers", **CUSTOMER)
    before = claims(visitor)["access until"]
    visitor.page.wait_for_timeout(1100)
    visitor.press("Refresh")
    after = claims(visitor)["access until"]
    visitor.page.get_by_label("Hours").fill("7.5")
    visitor.page.get_by_label("What", exact=True).fill("<b>Gates</b>")
    visitor.press("Add")

    assert before < after
    assert "7.5 hours are added." in visitor.text
    assert visitor.page.locator("section[aria-labelledby=timesheets] tbody").inner_text().split("\t") == [
        "7.5",
        "<b>Gates</b>",
    ]
    assert "eyJ" not in visitor.page.content()
    assert {(one["name"], one["httpOnly"], one["sameSite"]) for one in visitor.page.context.cookies()} == {
        ("timesheets", True, "Lax")
    }
    assert "eyJhbGciOiJ" not in str(visitor.page.context.cookies())


def test_logged_out_person_is_at_the_form_whichever_way_they_come(visitor: Visitor) -> None:
    log_in(visitor, "Customers", **CUSTOMER)
    visitor.press("Log out")
    visitor.go_back()

    assert visitor.heading == "Log in"
    visitor.page.goto(f"{visitor.site}me")
    assert visitor.heading == "Log in"


def test_app_that_is_added_is_asked_for_at_the_next_login(visitor: Visitor) -> None:
    log_in(visitor, "Customers", **BOB)
    visitor.page.get_by_role("link", name="Add an authenticator app").click()
    visitor.page.get_by_label("Password").fill(BOB["password"])
    visitor.press("Continue")
    picture = visitor.page.get_by_role("img", name="QR code for your authenticator app")
    key = visitor.page.locator("#key").inner_text()
    is_drawn = picture.evaluate("image => image.complete && image.naturalWidth > 100")
    assert (is_drawn, visitor.is_cut()) == (True, False)
    fill_code(visitor, "000000")
    assert visitor.page.get_by_role("alert").inner_text() == "Invalid otp_code."
    fill_code(visitor, pyotp.TOTP(key).now())
    assert "Your app is added." in visitor.text
    recovery_code = visitor.page.locator("#recovery").inner_text()

    visitor.press("Log out")
    log_in(visitor, "Customers", **BOB)
    assert visitor.heading == "How do you want to show that it is you?"
    visitor.press("Recovery code")
    visitor.page.get_by_label("Recovery code").fill(recovery_code)
    visitor.press("Continue")
    assert claims(visitor)["amr"] == '["pwd", "mfa"]'
    assert visitor.page.locator("#recovery").inner_text() != recovery_code


def sign_up(visitor: Visitor, email: str, password: str) -> int:
    """Fill in the form of a new customer."""
    visitor.page.get_by_role("link", name="Sign up").click()
    visitor.page.get_by_label("Email").fill(email)
    visitor.page.get_by_label("Password").fill(password)
    return visitor.press("Sign up")


def code_sent(demo: Demo, email: str, count: int) -> str:
    """Wait until this many emails went to an address, and return the code of the newest."""
    ends = time.monotonic() + WAIT_S
    while time.monotonic() < ends:
        sent = [one["text"] for one in demo.messages() if one["to"] == email]
        if len(sent) >= count:
            (code,) = re.findall(r"\b\d{6}\b", sent[0])
            return str(code)
        threading.Event().wait(0.2)
    raise AssertionError(demo.messages())


def test_customer_signs_up_verifies_forgets_and_resets_without_an_operator(visitor: Visitor, demo: Demo) -> None:
    page, email = visitor.page, "nora@example.com"
    assert sign_up(visitor, email, "quiet words at 753") == 200
    assert (visitor.heading, "We have sent you an email" in visitor.text) == ("Verify your email", True)
    page.get_by_label("Code").fill("12")
    assert visitor.press("Verify") == 400
    assert page.get_by_role("alert").inner_text() == "Invalid or expired code."
    page.get_by_label("Code").fill(code_sent(demo, email, 1))
    visitor.press("Verify")
    assert "Your email is verified." in visitor.text

    page.get_by_role("link", name="Forgotten password").click()
    page.get_by_label("I am one of your").select_option("Customers")
    page.get_by_label("Email").fill(email)
    visitor.press("Send a code")
    code = code_sent(demo, email, 2)
    page.get_by_label("Code").fill(code)
    page.get_by_label("New password").fill("short")
    assert visitor.press("Set the password") == 400
    page.get_by_label("Code").fill(code)
    page.get_by_label("New password").fill("other words at 862")
    assert visitor.press("Set the password") == 200
    assert "Your password is new." in visitor.text

    assert log_in(visitor, "Customers", email, "quiet words at 753") == 400
    log_in(visitor, "Customers", email, "other words at 862")
    shown = claims(visitor)
    assert (shown["email"], shown["email_verified"], shown["realm"]) == (email, "true", "Customers")


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        ("weak@example.com", "short", "12"),
        ("bob@example.com", "quiet words at 753", "Invalid sign up"),
        ("no address", "quiet words at 753", ""),
    ],
)
def test_refused_sign_up_says_why(visitor: Visitor, email: str, password: str, said: str) -> None:
    visitor.page.goto(f"{visitor.site}sign-up")
    # The server's words are the test's business, not the browser's own check of the field.
    visitor.page.locator("main form").evaluate("form => form.noValidate = true")
    visitor.page.get_by_label("Email").fill(email)
    visitor.page.get_by_label("Password").fill(password)

    assert visitor.press("Sign up") == 400
    assert said in visitor.page.get_by_role("alert").inner_text()
    assert visitor.page.get_by_label("Email").input_value() == email


def test_nobody_is_told_which_emails_have_an_account(visitor: Visitor) -> None:
    texts = []
    for email in ("bob@example.com", "nobody@example.com"):
        visitor.page.goto(f"{visitor.site}forgotten")
        visitor.page.get_by_label("Email").fill(email)
        visitor.press("Send a code")
        texts.append(visitor.text)

    assert texts[0] == texts[1]


@pytest.mark.parametrize("path", ["", "sign-up", "verify", "forgotten", "reset"])
def test_page_fits_a_phone_and_is_read_in_the_dark(visitor: Visitor, path: str) -> None:
    visitor.page.goto(f"{visitor.site}{path}")

    assert not visitor.is_cut()
    assert min(visitor.contrast(one) for one in ("h1", "label", "nav a", "main button")) >= 4.5


def test_keyboard_alone_logs_in(visitor: Visitor) -> None:
    visitor.page.wait_for_function("document.activeElement.name === 'username'")
    visitor.page.keyboard.type("alice")
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.type(ALICE["password"])
    visitor.press_key("Enter")

    assert visitor.heading == "Hello, Alice Liddell"


def test_form_of_another_site_is_refused(visitor: Visitor) -> None:
    visitor.page.set_content(f'<form method="post" action="{visitor.site}login"><button>Go</button></form>')

    assert visitor.press("Go") == 400
    assert re.search("open for too long", visitor.text)
