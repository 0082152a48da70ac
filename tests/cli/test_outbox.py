"""The outbox of a local run: each text message and email in the terminal, and as JSON at /_local/outbox."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.support.http import ALICE, BACKEND, Http
from tests.support.local_run import LocalProcess, local_run
from tests.support.tenant_documents import demo_document, write

pytestmark = pytest.mark.xdist_group("local")

OUTBOX = "_local/outbox"
NUMBER = "+14155550123"
ADDRESS = "alice.private@example.com"
CODE = r"[0-9]{6} is your verification code for Gatehouse demo\. It is valid for 5 minutes\."


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    """A run of the demo tenant, where a second factor is always owed."""
    directory = tmp_path_factory.mktemp("outbox")
    document = demo_document()
    document["mfa"]["policy"] = "always"
    # Somebody with a verified email would have to show a code of it first.
    document["users"]["employees"][0]["email_verified"] = False
    with local_run(directory, "--tenant", write(directory, document)) as started:
        yield started


def associate(url: str, **body: Any) -> None:
    """Show alice's password, and enroll a phone or an address, which sends a code there."""
    login = httpx.post(f"{url}oauth/token", data={"grant_type": "password", **BACKEND, **ALICE}).json()
    headers = {"Authorization": f"Bearer {login['mfa_token']}"}
    answer = httpx.post(f"{url}mfa/associate", json={"authenticator_types": ["oob"], **body}, headers=headers)
    assert answer.status_code == 200, answer.text


def test_messages_are_listed_newest_first_and_shown_in_the_terminal(run: LocalProcess) -> None:
    before = datetime.now(UTC)
    known = httpx.get(f"{run.url}{OUTBOX}").json()
    with run.request_lines() as lines:
        associate(run.url, oob_channels=["sms"], phone_number=NUMBER)
        associate(run.url, oob_channels=["email"], email=ADDRESS)
    answer = httpx.get(f"{run.url}{OUTBOX}")
    email, sms, *rest = answer.json()

    assert (answer.status_code, answer.headers["content-type"], rest) == (200, "application/json", known)
    assert [(one["channel"], one["to"]) for one in (email, sms)] == [("email", ADDRESS), ("sms", NUMBER)]
    assert all(re.fullmatch(CODE, one["text"]) for one in (email, sms))
    members = {"number", "channel", "to", "text", "at", "page"}
    assert (set(sms), set(email)) == (members, members | {"subject"})
    assert before <= datetime.fromisoformat(sms["at"]) <= datetime.fromisoformat(email["at"]) <= datetime.now(UTC)
    shown = [line for line in lines if " to " in line]
    assert shown == [f"sms to {NUMBER}: {sms['text']}", f"email to {ADDRESS}: {email['text']}"]


def test_message_is_listed_once_its_request_was_answered(run: LocalProcess) -> None:
    known = len(httpx.get(f"{run.url}{OUTBOX}").json())
    associate(run.url, oob_channels=["sms"], phone_number=NUMBER)

    assert len(httpx.get(f"{run.url}{OUTBOX}").json()) == known + 1


def test_message_is_a_page_that_runs_and_loads_nothing(run: LocalProcess) -> None:
    associate(run.url, oob_channels=["email"], email=ADDRESS)
    newest = httpx.get(f"{run.url}{OUTBOX}").json()[0]
    page = httpx.get(f"{run.url}{newest['page'][1:]}")

    assert newest["page"] == f"/{OUTBOX}/{newest['number']}"
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'; ")
    assert newest["text"] in page.text


@pytest.mark.parametrize("number", ["0", "999", "01", "x", "-1", "1/2", "9" * 400])
def test_number_that_no_message_has_is_no_page(run: LocalProcess, number: str) -> None:
    assert httpx.get(f"{run.url}{OUTBOX}/{number}").status_code == 404


@pytest.mark.parametrize("method", ["POST", "DELETE", "HEAD"])
def test_outbox_takes_no_other_method(run: LocalProcess, method: str) -> None:
    assert httpx.request(method, f"{run.url}{OUTBOX}").status_code == 404


def test_app_itself_has_no_outbox(http: Http) -> None:
    assert http.get(f"/{OUTBOX}").status_code == 404
