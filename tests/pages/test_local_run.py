"""The local run's own pages in a browser: their policies let in all that they need, and nothing from elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.pages.visitor import Visitor
from tests.support.http import ALICE
from tests.support.local_run import LocalProcess, local_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """A run of the demo tenant."""
    with local_run(tmp_path_factory.mktemp("local-run"), "--aws-port", "0") as started:
        yield started


@pytest.fixture
def visitor(browser: Browser, run: LocalProcess) -> Iterator[Visitor]:
    """A visitor on a small phone in the dark, at the first page."""
    context = browser.new_context(viewport={"width": 320, "height": 568}, color_scheme="dark")
    visitor = Visitor(context.new_page(), run.url)
    visitor.page.goto(run.url)
    yield visitor
    context.close()
    visitor.requests = [url for url in visitor.requests if not url.startswith("data:")]
    visitor.require_quiet()


def test_login_shows_the_token_decoded(visitor: Visitor) -> None:
    visitor.page.get_by_label("Password").fill(ALICE["password"])
    visitor.press("Log in")

    assert "The token endpoint answered 200." in visitor.text
    assert '"sub": "employees|' in visitor.page.get_by_label("Claims of the access_token").inner_text()
    assert '"typ": "at+jwt"' in visitor.page.get_by_label("Header of the access_token").inner_text()
    assert not visitor.is_cut()


def test_page_is_read_in_the_dark_and_fits_a_phone(visitor: Visitor) -> None:
    assert not visitor.is_cut()
    assert min(visitor.contrast(one) for one in ("h1", "p", "label", "nav a", "button", "td")) >= 4.5


def test_openapi_is_rendered_by_a_viewer_of_this_machine(visitor: Visitor) -> None:
    visitor.page.get_by_role("link", name="OpenAPI").click()
    visitor.page.get_by_text("/oauth/token", exact=False).first.wait_for()

    assert "Gatehouse" in visitor.page.locator("h1, h2").first.inner_text()


def test_documents_are_shown_with_their_pictures(visitor: Visitor) -> None:
    visitor.page.get_by_role("link", name="Documents").click()
    visitor.page.get_by_role("link", name="accounts.md").first.click()
    pictures = "[...document.images].map(image => image.complete && image.naturalWidth > 0)"

    assert visitor.heading == "Accounts without an operator"
    assert set(visitor.page.evaluate(pictures)) <= {True}


def test_link_of_a_mail_is_followed_from_the_page(visitor: Visitor, run: LocalProcess, tmp_path: Path) -> None:
    account = {"client_id": "demo-native", "connection": "customers", "email": "bob@example.com"}
    visitor.page.request.post(f"{run.url}dbconnections/change_password", data=account)
    run.wait_printed("email to bob@example.com")
    visitor.page.reload()
    visitor.page.get_by_role("link", name="Choose a new password").first.click()

    assert "Choose a new password" in visitor.text
