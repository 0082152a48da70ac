"""A Chromium for the tests of a module, and the real handler behind a port."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from infra.gateway.app import Gateway, GatewayConfig
from infra.gateway.proxy_event import GatewayStage
from tests.pages.visitor import Visitor
from tests.support.browser import chromium
from tests.support.http import GATEWAY_RESPONSES, Http
from tests.support.server import serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests on one worker, where they share the browser."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("pages"))


# Not of the session: while Playwright runs, no other test of the process can run an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def site(http: Http) -> Iterator[str]:
    """The URL of the handler, below a stage's path as API Gateway has it, with its final slash."""
    stage = GatewayStage("dev", "/dev", "127.0.0.1")
    with serving(Gateway(http.app, GatewayConfig(http.app.routes, stage, GATEWAY_RESPONSES))) as port:
        yield f"http://127.0.0.1:{port}/dev/"


@pytest.fixture
def visitor(browser: Browser, site: str) -> Iterator[Visitor]:
    """A visitor on a small phone in the dark, who has never been here."""
    context = browser.new_context(viewport={"width": 320, "height": 568}, color_scheme="dark")
    visitor = Visitor(context.new_page(), site)
    yield visitor
    context.close()
    visitor.require_quiet()
