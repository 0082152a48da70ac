"""Emails about accounts, as the pages' tests ask for them: by HTTP, since a browser holds the thread's event loop."""

import re

import httpx

from tests.support.accounts import CLIENT, PASSWORD, run_schedule
from tests.support.http import Http
from tests.support.mfa import mails_to

LINK = re.compile(r"https://login\.example\.com/u/\w+\?ticket=\S+")


def ask(site: str, path: str, realm: str, email: str, **more: str) -> None:
    """Send a call about an account."""
    answer = httpx.post(site + path, json={**CLIENT, "connection": realm, "email": email, **more})
    assert answer.status_code == 200, answer.text


def mailed_link(http: Http, email: str) -> str:
    """Run the schedule, and return the link in the newest email to an address."""
    run_schedule(http)
    (link,) = LINK.findall(mails_to(email)[-1].text)
    return str(link)


def log_in(site: str, realm: str, username: str, password: str = PASSWORD) -> int:
    """Log in, and return the status."""
    grant = {"grant_type": "http://auth0.com/oauth/grant-type/password-realm", "realm": realm}
    return httpx.post(
        f"{site}oauth/token", data={**CLIENT, **grant, "username": username, "password": password}
    ).status_code
