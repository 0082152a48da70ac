"""The schedule of a local run: a blocked person's mail is shown in the terminal and the outbox, and its link works."""

from pathlib import Path

import httpx
import pytest

from tests.support.local_run import local_run
from tests.support.tenant_documents import small_document, write

pytestmark = pytest.mark.xdist_group("local")

EVE = {"username": "eve", "email": "eve@example.com", "password": "correct horse battery staple"}
LOGIN = {
    "grant_type": "password",
    "client_id": "app",
    "client_secret": "the long secret of the app",
    "username": "eve",
    "password": EVE["password"],
}
MAX_ATTEMPTS = 10


def status_of_login(url: str, **changes: str) -> int:
    return httpx.post(f"{url}oauth/token", data=LOGIN | changes).status_code


def test_blocked_persons_mail_is_shown_and_its_link_lets_them_in(tmp_path: Path) -> None:
    with local_run(tmp_path, "--tenant", write(tmp_path, small_document(users={"staff": [EVE]}))) as run:
        wrong = [status_of_login(run.url, password="wrong") for _ in range(MAX_ATTEMPTS)]
        blocked = status_of_login(run.url)
        link = run.wait_printed(f"{run.url}u/unblock?ticket=")
        (mail,) = httpx.get(f"{run.url}_local/outbox").json()
        shown = httpx.get(link)
        pressed = httpx.post(f"{run.url}u/unblock", data={"ticket": link.partition("=")[2]})
        let_in = status_of_login(run.url)

    assert (set(wrong), blocked) == ({400}, 429)
    assert (mail["channel"], mail["to"]) == ("email", EVE["email"])
    assert link in mail["text"].splitlines()
    assert (shown.status_code, "Unblock my account" in shown.text) == (200, True)
    assert (pressed.status_code, "You can log in again." in pressed.text) == (200, True)
    assert let_in == 200
