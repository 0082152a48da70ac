"""`make pictures`: take the pictures of the pages and of a mail that the documents show, on a phone.

Run as a module, it starts a local run and has demo people ask for mails.
"""

import re
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page

from tests.support.accounts import CLIENT
from tests.support.browser import chromium
from tests.support.demo_run import Demo, demo_run
from tests.support.limits import WAIT_S
from tests.support.local_run import LocalProcess, local_run

FOLDER = Path(__file__).parents[2] / "docs" / "use" / "pictures"
REALM, EMAIL, USERNAME = "customers", "mallory@example.com", "alice"
WRONG_TRIES = 10


def newest_mail(run: LocalProcess, subject: str) -> dict[str, str]:
    """Return the newest mail with this in its subject, once it was sent."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        for mail in httpx.get(f"{run.url}_local/outbox").json():
            if subject in mail.get("subject", ""):
                return dict(mail)
        time.sleep(0.5)
    raise TimeoutError(subject)


def link_in(mail: dict[str, str]) -> str:
    (link,) = re.findall(r"http\S+/u/\S+", mail["text"])
    return str(link)


def take(page: Page, name: str) -> None:
    """Take a picture of what is seen."""
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True, animations="disabled")


def open_phone(browser: Browser, is_dark: bool = False) -> Page:
    return browser.new_page(viewport={"width": 390, "height": 600}, color_scheme="dark" if is_dark else "light")


def picture_accounts(run: LocalProcess, browser: Browser) -> None:
    """Sign up, confirm the email, forget the password and choose a new one."""
    account = {**CLIENT, "connection": REALM, "email": EMAIL}
    httpx.post(f"{run.url}dbconnections/signup", json={**account, "password": "quiet words at 753"}).raise_for_status()
    page = open_phone(browser)
    page.goto(link_in(newest_mail(run, "Confirm your email address")))
    take(page, "verify")
    page.get_by_role("button").click()
    httpx.post(f"{run.url}dbconnections/change_password", json=account).raise_for_status()
    mail = newest_mail(run, "Choose a new password")
    page.goto(f"{run.url}{mail['page'][1:]}")
    take(page, "mail")
    page.goto(link_in(mail))
    take(page, "reset")
    refused = open_phone(browser, is_dark=True)
    refused.goto(link_in(mail))
    for name in ("password", "password_repeat"):
        refused.locator(f"#{name}").fill("mallory password1")
    refused.get_by_role("button").click()
    take(refused, "reset-refused")
    page.goto(link_in(mail) + "x")
    take(page, "link-over")


def picture_unblocking(run: LocalProcess, browser: Browser) -> None:
    """Block somebody by wrong passwords, and follow the mail's link."""
    for _ in range(WRONG_TRIES):
        form = {**CLIENT, "grant_type": "password", "username": USERNAME, "password": "wrong"}
        httpx.post(f"{run.url}oauth/token", data=form)
    page = open_phone(browser)
    page.goto(link_in(newest_mail(run, "is blocked")))
    take(page, "unblock")


def picture_demo(demo: Demo, browser: Browser) -> None:
    """Log in to the application of `make demo`, and add an authenticator app; then look at the local run's own page."""
    page = open_phone(browser)
    page.goto(demo.url)
    page.get_by_label("I am one of your").select_option("Customers")
    take(page, "demo-login")
    page.get_by_label("Username or email").fill("bob@example.com")
    page.get_by_label("Password").fill("bob's long password")
    page.get_by_role("button", name="Log in").click()
    page.screenshot(path=FOLDER / "demo-person.png", animations="disabled")
    page.get_by_role("link", name="Add an authenticator app").click()
    page.get_by_label("Password").fill("bob's long password")
    page.get_by_role("button", name="Continue").click()
    take(page, "demo-app")
    wide = browser.new_page(viewport={"width": 800, "height": 900}, color_scheme="light")
    wide.goto(demo.gatehouse)
    wide.screenshot(path=FOLDER / "local-run.png", animations="disabled")


def main() -> None:
    """Take all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, local_run(Path(folder)) as run, chromium() as browser:
        picture_accounts(run, browser)
        picture_unblocking(run, browser)
        with demo_run() as demo:
            picture_demo(demo, browser)


if __name__ == "__main__":
    main()
