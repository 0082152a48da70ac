"""The page that unblocks an account, in a browser."""

import secrets

import httpx
import pytest
from playwright.sync_api import Browser

from chalicelib.model.account import Account
from chalicelib.store.sessions import PendingStore, Ticket, stored_id
from infra.stage.aws import Stage
from tests.pages.visitor import Visitor
from tests.support.fixed import ISSUER, Clock
from tests.support.people import PeopleMaker

BUTTON = "Unblock my account"


@pytest.fixture
def link(stage: Stage, people: PeopleMaker, clock: Clock) -> str:
    """A link that works for a minute."""
    token, account = secrets.token_urlsafe(), Account("employees", people.make().user_id)
    PendingStore(stage.dynamo, f"{stage.prefix}sessions").put_ticket(
        Ticket(stored_id(token), account, clock.now_s() + 60)
    )
    return f"{ISSUER}u/unblock?ticket={token}"


def test_account_is_unblocked_by_keyboard_alone(visitor: Visitor, link: str) -> None:
    assert visitor.follow(link) == 200
    before = visitor.heading
    visitor.page.keyboard.press("Tab")
    assert visitor.focused == BUTTON
    assert visitor.press_key("Enter") == 200
    assert (before, visitor.heading) == ("Unblock your account", "Your account is unblocked")


def test_page_fits_a_small_phone_and_is_read_in_the_dark(visitor: Visitor, link: str) -> None:
    visitor.follow(link)

    assert not visitor.is_cut()
    assert visitor.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert min(visitor.contrast(one) for one in ("header", "h1", "p", "button")) >= 4.5


def test_page_is_read_by_light(browser: Browser, site: str, link: str) -> None:
    context = browser.new_context(color_scheme="light")
    visitor = Visitor(context.new_page(), site)
    visitor.follow(link)
    contrasts = [visitor.contrast(one) for one in ("header", "h1", "p", "button")]
    context.close()

    assert min(contrasts) >= 4.5


def test_double_click_ends_on_a_page_that_says_that_it_worked(visitor: Visitor, link: str) -> None:
    visitor.follow(link)
    visitor.page.get_by_role("button").dblclick()
    visitor.page.wait_for_function("document.querySelector('form') === null")

    assert "can log in again" in visitor.text


def test_back_button_leads_to_a_page_that_says_that_it_worked(visitor: Visitor, link: str) -> None:
    visitor.follow(link)
    visitor.press(BUTTON)

    assert visitor.go_back() == 400
    assert "it worked: you can log in again" in visitor.text


def test_link_that_is_over_says_how_to_get_another(visitor: Visitor, link: str, clock: Clock) -> None:
    clock.advance(61)

    assert visitor.follow(link) == 400
    assert visitor.heading == "This link does not work"
    assert "A new one is mailed if the account is blocked again" in visitor.text
    assert not visitor.is_cut()


def test_no_answer_sets_a_cookie_or_may_load_anything(visitor: Visitor, link: str) -> None:
    visitor.follow(link)
    answer = httpx.get(visitor.page.url)

    assert visitor.page.context.cookies() == []
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
