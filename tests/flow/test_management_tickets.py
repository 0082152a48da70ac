"""Tickets and jobs of the Management API (contract.md, "Management API")."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from chalicelib.accounts.tickets import Tickets
from chalicelib.store.tickets import VERIFY as VERIFY_EMAIL
from chalicelib.store.tickets import TicketStore, TicketSubject
from infra.stage.aws import Stage
from infra.stage.keys import stage_key
from tests.support.fixed import ISSUER, Clock
from tests.support.management import Backend, refusal
from tests.support.people import PASSWORD, PeopleMaker

RESET, VERIFY, JOB = "/tickets/password-change", "/tickets/email-verification", "/jobs/verification-email"
PAGES = {RESET: "/u/reset", VERIFY: "/u/verify"}
NEW_PASSWORD = "quiet words at 753"


def ticket_of(backend: Backend, path: str, **members: Any) -> str:
    """Return the ticket of a link that is made."""
    answer = backend.send("POST", path, json=members)
    assert answer.status_code == 201, answer.text
    link: str = answer.json()["ticket"]
    page = "u/reset" if path == RESET else "u/verify"
    assert link.startswith(f"{ISSUER}{page}?ticket=")
    (ticket,) = parse_qs(urlsplit(link).query)["ticket"]
    return ticket


def reset(backend: Backend, ticket: str) -> int:
    body = {"client_id": "demo-native", "connection": "customers", "ticket": ticket, "password": NEW_PASSWORD}
    return backend.http.post("/accounts/reset_password", json=body).status_code


def verify(backend: Backend, ticket: str) -> int:
    body = {"client_id": "demo-native", "connection": "customers", "ticket": ticket}
    return backend.http.post("/accounts/verify_email", json=body).status_code


@pytest.mark.parametrize("is_marked", [False, True])
def test_person_chooses_a_new_password_once_by_a_ticket(backend: Backend, people: PeopleMaker, is_marked: bool) -> None:
    user = people.make("customers")
    marked = {"mark_email_as_verified": True} if is_marked else {}
    ticket = ticket_of(backend, RESET, user_id=user.user_id, **marked)

    assert [reset(backend, ticket) for _ in range(2)] == [200, 400]
    logins = [
        backend.http.realm_login("customers", username=user.email, password=password).status_code
        for password in (PASSWORD, NEW_PASSWORD)
    ]
    assert logins == [400, 200]
    assert backend.get(f"/users/{user.user_id}")["email_verified"] == is_marked


def test_ticket_is_made_for_an_email_and_a_connection(backend: Backend, people: PeopleMaker) -> None:
    user = people.make("customers")

    assert reset(backend, ticket_of(backend, RESET, email=user.email.upper(), connection_id="customers")) == 200


def test_ticket_ends_in_time(backend: Backend, people: PeopleMaker, clock: Clock) -> None:
    user = people.make("customers")
    ticket = ticket_of(backend, RESET, user_id=user.user_id, ttl_sec=60)
    clock.advance(60)

    assert reset(backend, ticket) == 400


def test_email_is_verified_by_a_ticket(backend: Backend, people: PeopleMaker) -> None:
    user = people.make("customers")

    assert verify(backend, ticket_of(backend, VERIFY, user_id=user.user_id)) == 200
    assert backend.get(f"/users/{user.user_id}")["email_verified"]


def test_verification_is_mailed_by_a_job(backend: Backend, people: PeopleMaker) -> None:
    user = people.make("customers")
    job = backend.send("POST", JOB, json={"user_id": user.user_id})

    assert job.status_code == 201
    assert set(job.json()) == {"id", "type", "status", "created_at"}
    assert (job.json()["type"], job.json()["status"]) == ("verification_email", "pending")


def test_no_ticket_stands_in_the_log(backend: Backend, people: PeopleMaker) -> None:
    user = people.make("customers")
    ticket = ticket_of(backend, RESET, user_id=user.user_id)

    assert backend.http.log[-1]["action"] == "POST /api/v2/tickets/password-change"
    assert ticket not in str(backend.http.log)


@pytest.mark.parametrize(
    ("path", "members", "refused"),
    [
        (RESET, {}, (400, "invalid_body")),
        (RESET, {"email": "a@example.com"}, (400, "invalid_body")),
        (RESET, {"email": "a@example.com", "connection_id": "nowhere"}, (400, "invalid_body")),
        (RESET, {"email": "nobody@example.com", "connection_id": "customers"}, (404, "inexistent_user")),
        (RESET, {"user_id": "customers|nobody"}, (404, "inexistent_user")),
        (RESET, {"user_id": "customers|nobody", "ttl_sec": -1}, (400, "invalid_body")),
        (RESET, {"user_id": "customers|nobody", "ttl_sec": 2_592_001}, (400, "invalid_body")),
        (RESET, {"user_id": "x", "organization_id": "o"}, (400, "invalid_body")),
        (VERIFY, {}, (400, "invalid_body")),
        (VERIFY, {"user_id": "customers|nobody"}, (404, "inexistent_user")),
        (JOB, {}, (400, "invalid_body")),
        (JOB, {"user_id": "customers|nobody"}, (404, "inexistent_user")),
    ],
)
def test_other_bodies_are_refused(
    backend: Backend, path: str, members: dict[str, Any], refused: tuple[int, str]
) -> None:
    assert refusal(backend.send("POST", path, json=members)) == refused


def test_person_without_an_email_gets_none(backend: Backend, people: PeopleMaker) -> None:
    user = people.make("employees", email="")

    for path in (RESET, VERIFY, JOB):
        assert refusal(backend.send("POST", path, json={"user_id": user.user_id})) == (400, "invalid_body")


@pytest.mark.parametrize(("path", "scope"), [(RESET, "update:users"), (VERIFY, "update:users"), (JOB, "read:users")])
def test_other_scope_is_403(stage: Stage, backend: Backend, path: str, scope: str) -> None:
    assert refusal(Backend.of(stage, backend.http, [scope]).send("POST", path)) == (403, "insufficient_scope")


RESULT = "https://app.example.com/done?from=mail#top"


def press(backend: Backend, path: str, ticket: str, password: str = NEW_PASSWORD) -> httpx.Response:
    """Press the button of a ticket's page."""
    typed = {"password": password, "password_repeat": password} if path == RESET else {}
    return backend.http.post(PAGES[path], data={"ticket": ticket, **typed}, follow_redirects=False)


@pytest.mark.parametrize("path", [RESET, VERIFY])
def test_page_leads_to_the_result_url_once_its_button_did_its_work(
    backend: Backend, people: PeopleMaker, path: str
) -> None:
    user = people.make("customers")
    ticket = ticket_of(backend, path, user_id=user.user_id, result_url=RESULT, ttl_sec=60)
    shown = backend.http.get(f"{PAGES[path]}?ticket={ticket}")
    done, again = press(backend, path, ticket), press(backend, path, ticket)

    assert (shown.status_code, done.status_code, again.status_code) == (200, 303, 400)
    assert done.headers["Location"] == RESULT
    assert "Location" not in {**shown.headers, **again.headers}
    # A browser follows a redirect after a form only where the page with the form allows it.
    assert "form-action 'self' https://app.example.com;" in shown.headers["Content-Security-Policy"]
    assert (done.headers["Referrer-Policy"], done.headers["Cache-Control"]) == ("no-referrer", "no-store")


def test_refused_password_leads_nowhere_and_its_form_leads_on(backend: Backend, people: PeopleMaker) -> None:
    user = people.make("customers")
    ticket = ticket_of(backend, RESET, user_id=user.user_id, result_url=RESULT)
    refused = press(backend, RESET, ticket, password="short")

    assert (refused.status_code, "Location" in refused.headers) == (400, False)
    assert "form-action 'self' https://app.example.com;" in refused.headers["Content-Security-Policy"]
    assert press(backend, RESET, ticket).status_code == 303


@pytest.mark.parametrize("path", [RESET, VERIFY])
@pytest.mark.parametrize(
    "url",
    [
        "http://app.example.com/", "//app.example.com/", "/done", "app.example.com", "javascript:alert(1)",
        "https:app.example.com",
        "https:///app.example.com/", "https://evil.example.com/", "https://app.example.com.evil.example.com/",
        "https://evil.app.example.com/", "https://app.example.com@evil.example.com/", "https://a:b@app.example.com/",
        "https://app.example.com:8443/", "https://evil.example.com\\@app.example.com/", "https://evil.example.com\\.app.example.com",
        "https://evil.example.com#@app.example.com/", "https://app.example.com\\.evil.example.com/", " https://app.example.com/",
        "https://app.example.com/\r\nSet-Cookie: a=b", "https://app.example.com\t.evil.example.com/", "https://[app.example.com]/",
        "https://app.example.com\u3002evil.example.com/", "https://", "https://app.example.com/" + "x" * 2048,
    ],
)  # fmt: skip
def test_result_url_of_another_host_is_400(backend: Backend, people: PeopleMaker, path: str, url: str) -> None:
    body = {"user_id": people.make("customers").user_id, "result_url": url}

    assert refusal(backend.send("POST", path, json=body)) == (400, "invalid_body")


def test_result_url_stands_for_the_realm_that_lists_its_host(backend: Backend, people: PeopleMaker) -> None:
    body = {"user_id": people.make("employees").user_id, "result_url": RESULT}

    assert refusal(backend.send("POST", RESET, json=body)) == (400, "invalid_body")


def test_host_that_left_the_list_is_not_led_to(
    stage: Stage, backend: Backend, people: PeopleMaker, clock: Clock
) -> None:
    user = people.make("customers")
    store = TicketStore(stage.dynamo, f"{stage.prefix}sessions")
    tickets = Tickets(stage.dynamo, store, stage_key(stage).mac, clock)
    subject = TicketSubject(
        VERIFY_EMAIL, "customers", user.user_id, user.email, 1, result_url="https://gone.example.com"
    )
    ticket = tickets.issue(subject).ticket

    assert "gone" not in backend.http.get(f"/u/verify?ticket={ticket}").headers["Content-Security-Policy"]
    assert press(backend, VERIFY, ticket).status_code == 200
