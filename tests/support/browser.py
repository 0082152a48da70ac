"""A headless Chromium of the system's, for the tests of pages."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
# `.ci/run` sets it, after it has installed one.
IS_REQUIRED = os.environ.get("TESTS_BROWSER") == "required"


def find_chromium() -> str:
    """Return the path of the system's Chromium; skip the test if there is none, and fail it in CI."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        (pytest.fail if IS_REQUIRED else pytest.skip)("There is no Chromium: apt-get install chromium")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser until the block ends."""
    # Chromium's sandbox needs rights that root in a container lacks; it only visits the tests' own pages.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()
