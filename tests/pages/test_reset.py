"""The page that sets a new password, in a browser."""

import re

import httpx
import pytest
from playwright.sync_api import Browser

from chalicelib.model.user import User
from infra.stage.aws import Stage
from tests.pages.accounts import ask, log_in, mailed_link
from tests.pages.visitor import Visitor
from tests.support.accounts import NEW_PASSWORD, OPEN, open_demo
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.stages import provision_stage

BUTTON = "Change my password"
FIELDS = ("New password", "New password, once more")


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage on which people reset their passwords, where a run of the schedule finds no mails of others."""
    return provision_stage("resetpage", open_demo())


@pytest.fixture
def user(people: PeopleMaker) -> User:
    """Somebody who forgot the password."""
    return people.make(email_verified=True)


@pytest.fixture
def link(http: Http, site: str, user: User) -> str:
    """The link of the mail for a forgotten password."""
    ask(site, "dbconnections/change_password", OPEN, user.email)
    return mailed_link(http, user.email)


def type_twice(visitor: Visitor, password: str, again: str | None = None) -> None:
    for label, text in zip(FIELDS, (password, again or password), strict=True):
        visitor.page.get_by_label(label, exact=True).fill(text)


def test_password_is_changed_by_keyboard_alone(visitor: Visitor, site: str, user: User, link: str) -> None:
    assert visitor.follow(link) == 200
    for expected in ("password", "password_repeat"):
        visitor.page.keyboard.press("Tab")
        assert visitor.focused == expected
        visitor.page.keyboard.type(NEW_PASSWORD)
    visitor.page.keyboard.press("Tab")
    assert visitor.focused == BUTTON

    assert visitor.press_key("Enter") == 200
    assert visitor.heading == "Your password is changed"
    assert (log_in(site, OPEN, user.username, PASSWORD), log_in(site, OPEN, user.username, NEW_PASSWORD)) == (400, 200)


def test_enter_in_a_field_is_enough(visitor: Visitor, site: str, user: User, link: str) -> None:
    visitor.follow(link)
    type_twice(visitor, NEW_PASSWORD)
    visitor.page.get_by_label(FIELDS[1], exact=True).focus()

    assert visitor.press_key("Enter") == 200
    assert log_in(site, OPEN, user.username, NEW_PASSWORD) == 200


def test_page_says_whose_account_it_is_and_what_a_password_needs(visitor: Visitor, user: User, link: str) -> None:
    visitor.follow(link)
    field = visitor.page.get_by_label(FIELDS[0], exact=True)
    described = visitor.page.locator(f"#{field.get_attribute('aria-describedby')}").inner_text()

    assert user.email in visitor.text
    assert re.search(r"At least \d+ characters", described)
    assert "Not known from a data breach" in described
    assert [field.get_attribute(name) for name in ("type", "autocomplete")] == ["password", "new-password"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_a_small_phone_and_is_read(browser: Browser, site: str, link: str, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 320, "height": 568}, color_scheme="dark" if scheme == "dark" else "light"
    )
    visitor = Visitor(context.new_page(), site)
    visitor.follow(link)
    type_twice(visitor, "password1234")
    visitor.press(BUTTON)
    contrasts = {
        one: visitor.contrast(one) for one in ("header", "h1", "p", "label", "li", "input", ".error", "button")
    }
    is_cut = visitor.is_cut()
    context.close()

    assert not is_cut
    assert {one: found for one, found in contrasts.items() if found < 4.5} == {}


@pytest.mark.parametrize("weak", ["password1234", "x" * 1025])
def test_weak_password_is_told_beside_its_field_and_the_link_still_works(
    visitor: Visitor, site: str, user: User, link: str, weak: str
) -> None:
    visitor.follow(link)
    type_twice(visitor, weak)
    assert visitor.press(BUTTON) == 400
    field = visitor.page.get_by_label(FIELDS[0], exact=True)
    error = visitor.page.get_by_role("alert")

    assert error.inner_text().startswith("The password ")
    assert field.get_attribute("aria-invalid") == "true"
    assert error.get_attribute("id") in (field.get_attribute("aria-describedby") or "").split()
    assert visitor.focused == "password"
    assert weak not in visitor.page.content()
    type_twice(visitor, NEW_PASSWORD)
    assert visitor.press(BUTTON) == 200
    assert log_in(site, OPEN, user.username, NEW_PASSWORD) == 200


def test_two_different_passwords_are_told_beside_the_second_field(visitor: Visitor, link: str) -> None:
    visitor.follow(link)
    type_twice(visitor, NEW_PASSWORD, PASSWORD)

    assert visitor.press(BUTTON) == 400
    assert visitor.page.get_by_role("alert").inner_text() == "The two are not the same. Type the new password twice."
    assert visitor.focused == "password_repeat"


def test_browser_refuses_an_empty_and_a_short_password_by_itself(visitor: Visitor, link: str) -> None:
    visitor.follow(link)
    visitor.page.get_by_role("button").click()
    visitor.page.get_by_label(FIELDS[0], exact=True).press_sequentially("short")
    visitor.page.get_by_role("button").click()

    assert (visitor.heading, visitor.focused) == ("Choose a new password", "password")
    assert "?ticket=" in visitor.page.url


def test_double_click_ends_on_a_page_that_says_that_it_worked(
    visitor: Visitor, site: str, user: User, link: str
) -> None:
    visitor.follow(link)
    type_twice(visitor, NEW_PASSWORD)
    visitor.page.get_by_role("button").dblclick()
    visitor.page.wait_for_function("document.querySelector('form') === null")

    assert "log in with" in visitor.text
    assert log_in(site, OPEN, user.username, NEW_PASSWORD) == 200


def test_back_button_leads_to_a_page_that_says_that_it_worked(visitor: Visitor, link: str) -> None:
    visitor.follow(link)
    type_twice(visitor, NEW_PASSWORD)
    visitor.press(BUTTON)

    assert visitor.go_back() == 400
    assert "it worked: log in with your new password" in visitor.text
    assert visitor.page.locator("form").count() == 0


def test_expired_link_says_how_to_get_another(visitor: Visitor, link: str, clock: Clock) -> None:
    clock.advance(86_400)

    assert visitor.follow(link) == 400
    assert visitor.heading == "This link does not work"
    assert "ask for another email where you log in" in visitor.text
    assert not visitor.is_cut()


def test_link_of_an_earlier_mail_is_over(visitor: Visitor, http: Http, site: str, user: User, link: str) -> None:
    ask(site, "dbconnections/change_password", OPEN, user.email)
    newer = mailed_link(http, user.email)

    assert (visitor.follow(link), visitor.follow(newer)) == (400, 200)


def test_looking_changes_nothing(visitor: Visitor, site: str, user: User, link: str) -> None:
    path = site + link.partition(".com/")[2]
    statuses = [httpx.request(method, path).status_code for method in ("GET", "HEAD", "GET")]

    assert statuses == [200] * 3
    assert log_in(site, OPEN, user.username, PASSWORD) == 200
    assert visitor.follow(link) == 200


def test_form_of_another_site_cannot_frame_or_send_anything_else(site: str, link: str) -> None:
    policy = httpx.get(site + link.partition(".com/")[2]).headers["Content-Security-Policy"]

    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self'; base-uri 'none'; frame-ancestors 'none'" in policy
