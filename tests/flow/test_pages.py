"""The pages behind the links in emails, through HTTP: a GET shows, a POST acts, and nothing leaks from them."""

import re
import secrets
from base64 import b64encode
from hashlib import sha256
from html import escape

import httpx
import pytest

from chalicelib.accounts.tickets import Tickets
from chalicelib.http.pages.layout import form, page
from chalicelib.model.account import Account
from chalicelib.store.sessions import PendingStore, Ticket, stored_id
from chalicelib.store.tickets import RESET, VERIFY, TicketStore, TicketSubject
from infra.stage.aws import Stage
from infra.stage.keys import stage_key
from tests.support.accounts import NEW_PASSWORD
from tests.support.calls import calls_of
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.people import PeopleMaker

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}
PURPOSES = {"/u/verify": VERIFY, "/u/reset": RESET}
# The field that a form has beside its ticket.
TYPED = {"/u/reset": {"password": NEW_PASSWORD, "password_repeat": NEW_PASSWORD}}


@pytest.fixture(params=["/u/unblock", "/u/verify", "/u/reset"])
def path(request: pytest.FixtureRequest) -> str:
    """The path of a page."""
    return str(request.param)


@pytest.fixture
def ticket(path: str, stage: Stage, people: PeopleMaker, clock: Clock) -> str:
    """The ticket of a link that works."""
    user = people.make()
    if path in PURPOSES:
        store = TicketStore(stage.dynamo, f"{stage.prefix}sessions")
        tickets = Tickets(stage.dynamo, store, stage_key(stage).mac, clock)
        return tickets.issue(TicketSubject(PURPOSES[path], "employees", user.user_id, user.email, 1)).ticket
    token, pending = secrets.token_urlsafe(), PendingStore(stage.dynamo, f"{stage.prefix}sessions")
    pending.put_ticket(Ticket(stored_id(token), Account("employees", user.user_id), int(clock()) + 60))
    return token


def press(http: Http, path: str, ticket: str) -> httpx.Response:
    """Send the form of a page."""
    return http.post(path, data={"ticket": ticket, **TYPED.get(path, {})})


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing_however_often(http: Http, stage: Stage, path: str, ticket: str, method: str) -> None:
    with calls_of(stage) as calls:
        statuses = [http.request(method, f"{path}?ticket={ticket}").status_code for _ in range(3)]

    assert statuses == [200] * 3
    assert not WRITES & set(calls.made)
    assert press(http, path, ticket).status_code == 200
    assert http.request(method, f"{path}?ticket={ticket}").status_code == 400


def test_page_has_one_button_that_posts_the_ticket_to_its_own_path(http: Http, path: str, ticket: str) -> None:
    text = http.get(f"{path}?ticket={ticket}").text

    (method, action), (name, value) = (
        re.findall(pattern, text)[0]
        for pattern in (
            r'<form method="(\w+)" action="([^"]+)">',
            r'<input type="hidden" name="(\w+)" value="([^"]+)">',
        )
    )
    assert (method, action, name, value) == ("post", path.rpartition("/")[2], "ticket", ticket)
    assert len(re.findall("<button", text)) == 1


def test_field_of_a_new_password_is_masked_and_left_to_password_managers(
    http: Http, stage: Stage, people: PeopleMaker, clock: Clock
) -> None:
    user = people.make()
    tickets = Tickets(stage.dynamo, TicketStore(stage.dynamo, f"{stage.prefix}sessions"), stage_key(stage).mac, clock)
    ticket = tickets.issue(TicketSubject(RESET, "employees", user.user_id, user.email, 1)).ticket
    text = http.get(f"/u/reset?ticket={ticket}").text
    fields = [tag for tag in re.findall("<input [^>]+>", text) if 'name="password' in tag]

    assert len(fields) == 2
    assert all('type="password"' in tag and 'autocomplete="new-password"' in tag for tag in fields)
    assert f'autocomplete="username" value="{user.email}"' in text
    assert "onpaste" not in text


@pytest.mark.parametrize("text", ['"><script>alert(1)</script>', "'onfocus=x '", "&quot;", "</title><b>"])
def test_what_a_page_is_given_is_shown_as_text(text: str) -> None:
    html = page(text, text, text, form=form(text, text, text))

    assert text not in html.replace(escape(text), "")
    assert html.count(escape(text)) == 8


def test_post_acts_on_the_form_field_alone(http: Http, path: str, ticket: str) -> None:
    assert http.post(f"{path}?ticket={ticket}").status_code == 400
    assert http.post(f"{path}?ticket={ticket}", json={"ticket": "another", **TYPED.get(path, {})}).status_code == 400
    assert http.get(f"{path}?ticket={ticket}").status_code == 200
    assert http.post(path, json={"ticket": ticket, **TYPED.get(path, {})}).status_code == 200


def answers(http: Http, stage: Stage, path: str, ticket: str) -> list[tuple[int, httpx.Response]]:
    """Return every kind of answer of a page, each with the status that it should have."""
    link = f"{path}?ticket={ticket}"
    with failing(stage, "GetItem", aws_error("InternalServerError")):
        failed = http.get(link)
    return [
        (503, failed),
        (200, http.get(link)),
        (200, http.request("HEAD", link)),
        (200, press(http, path, ticket)),
        (400, http.get(link)),
        (400, press(http, path, ticket)),
        (400, http.get(f"{path}?ticket=%3Cscript%3E%22")),
        (400, http.get(f"{path}?access_token=x")),
        (400, http.post(path, content=b"ticket=%zz", headers={"Content-Type": "application/x-www-form-urlencoded"})),
        (405, http.request("DELETE", path)),
        (405, http.request("OPTIONS", path)),
        (413, http.post(path, data={"ticket": "x" * 17_000})),
    ]


def test_every_answer_is_a_page_that_runs_loads_and_tells_nothing(
    http: Http, stage: Stage, path: str, ticket: str
) -> None:
    for status, answer in answers(http, stage, path, ticket):
        policy = answer.headers["Content-Security-Policy"]
        style = re.findall("<style>(.*?)</style>", answer.text)
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("no-referrer", "no-store")
        assert policy.startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in policy
        assert not re.search("unsafe|script|http", policy)
        assert all(f"'sha256-{b64encode(sha256(one.encode()).digest()).decode()}'" in policy for one in style)
        assert "set-cookie" not in answer.headers
        assert not re.search("<script|<link|<img|src=|https?:|javascript:| on[a-z]+=", answer.text)
        if answer.request.method != "HEAD":
            assert answer.text.startswith("<!doctype html>")
            assert answer.text.count("<h1>") == 1


def test_errors_keep_their_own_headers(http: Http, stage: Stage, path: str, ticket: str) -> None:
    by_status = dict(answers(http, stage, path, ticket))

    assert by_status[405].headers["Allow"] == "GET, POST, HEAD"
    assert "Retry-After" in by_status[503].headers
    assert "WWW-Authenticate" not in by_status[400].headers


def test_presses_of_an_address_are_throttled_and_looks_are_not(http: Http, path: str, ticket: str) -> None:
    looks = [http.get(f"{path}?ticket={ticket}").status_code for _ in range(12)]
    presses = [http.post(path, data={"ticket": "nope"}) for _ in range(11)]
    refused = presses.pop()

    assert looks == [200] * 12
    assert {one.status_code for one in presses} == {400}
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "6")
    assert refused.headers["Content-Type"] == "text/html; charset=utf-8"
    assert press(http, path, ticket).status_code == 429
    assert press(http.at("198.51.100.210"), path, ticket).status_code == 200


def test_ticket_stands_in_the_query_of_pages_alone(http: Http) -> None:
    answer = http.post("/oauth/token?ticket=x", data={"grant_type": "password"})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "query string" in answer.json()["error_description"]


def test_log_holds_neither_the_ticket_nor_what_was_typed(http: Http, path: str, ticket: str) -> None:
    http.get(f"{path}?ticket={ticket}")
    different = {"ticket": ticket, "password": NEW_PASSWORD, "password_repeat": f"{NEW_PASSWORD} typed"}
    answers = [http.post(path, data=different), press(http, path, ticket), press(http, path, ticket)]
    log = str(http.log)

    assert ticket not in log
    assert NEW_PASSWORD not in log
    assert not any(NEW_PASSWORD in answer.text for answer in answers)
