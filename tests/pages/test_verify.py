"""The page that confirms an email address, in a browser."""

import httpx
import pytest

from chalicelib.model.user import User
from infra.stage.aws import Stage
from tests.pages.accounts import ask, log_in, mailed_link
from tests.pages.visitor import Visitor
from tests.support.accounts import OPEN, PASSWORD, VERIFIED, new_email, open_demo
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.people import PeopleMaker
from tests.support.stages import provision_stage

BUTTON = "Confirm my email address"
SIGN_UP_BUTTON = "Confirm and make my account"


@pytest.fixture(scope="module")
def stage(stage: Stage) -> Stage:
    """A stage on which people sign up, where a run of the schedule finds no mails of others."""
    return provision_stage("verifypage", open_demo())


@pytest.fixture
def user(people: PeopleMaker) -> User:
    """Somebody whose email is not verified."""
    return people.make(email_verified=False)


@pytest.fixture
def link(http: Http, site: str, user: User) -> str:
    """The link of the mail that asks for a confirmation."""
    ask(site, "accounts/send_verification", OPEN, user.email)
    return mailed_link(http, user.email)


def is_verified(people: PeopleMaker, user: User) -> bool:
    return people.of(OPEN).find(user.user_id).email_verified


def test_email_is_confirmed_by_keyboard_alone(visitor: Visitor, people: PeopleMaker, user: User, link: str) -> None:
    assert visitor.follow(link) == 200
    assert user.email in visitor.text
    visitor.page.keyboard.press("Tab")
    assert visitor.focused == BUTTON
    assert not is_verified(people, user)

    assert visitor.press_key("Enter") == 200
    assert visitor.heading == "Your email address is confirmed"
    assert is_verified(people, user)


def test_sign_up_becomes_an_account_by_the_button(visitor: Visitor, http: Http, site: str) -> None:
    email = new_email()
    ask(site, "dbconnections/signup", VERIFIED, email, password=PASSWORD)
    link = mailed_link(http, email)
    before = log_in(site, VERIFIED, email)
    visitor.follow(link)
    assert "If you did not sign up yourself, close this page." in visitor.text

    assert visitor.press(SIGN_UP_BUTTON) == 200
    assert (before, log_in(site, VERIFIED, email)) == (400, 200)


def test_page_fits_a_small_phone_and_is_read_in_the_dark(visitor: Visitor, link: str) -> None:
    visitor.follow(link)

    assert not visitor.is_cut()
    assert min(visitor.contrast(one) for one in ("header", "h1", "p", "button")) >= 4.5


def test_double_click_ends_on_a_page_that_says_that_it_worked(visitor: Visitor, link: str) -> None:
    visitor.follow(link)
    visitor.page.get_by_role("button").dblclick()
    visitor.page.wait_for_function("document.querySelector('form') === null")

    assert "address is confirmed" in visitor.text


def test_back_button_leads_to_a_page_that_says_that_it_worked(visitor: Visitor, link: str) -> None:
    visitor.follow(link)
    visitor.press(BUTTON)

    assert visitor.go_back() == 400
    assert "it worked: your email address is confirmed" in visitor.text


@pytest.mark.parametrize("made_up", ["", "x", "0" * 32 + "." + "A" * 43])
def test_link_that_never_was_says_how_to_get_one(visitor: Visitor, made_up: str) -> None:
    assert visitor.follow(f"https://login.example.com/u/verify?ticket={made_up}") == 400
    assert "ask for another email where you log in" in visitor.text


def test_expired_link_says_how_to_get_another(visitor: Visitor, link: str, clock: Clock) -> None:
    clock.advance(86_400)

    assert visitor.follow(link) == 400
    assert visitor.heading == "This link does not work"


def test_link_of_one_purpose_opens_no_other_page(visitor: Visitor, link: str) -> None:
    assert visitor.follow(link.replace("/u/verify", "/u/reset")) == 400


def test_looking_changes_nothing(site: str, people: PeopleMaker, user: User, link: str) -> None:
    path = site + link.partition(".com/")[2]
    statuses = [httpx.request(method, path).status_code for method in ("GET", "HEAD", "GET")]

    assert (statuses, is_verified(people, user)) == ([200] * 3, False)
