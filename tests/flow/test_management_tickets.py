"""Tickets and jobs of the Management API (contract.md, "Management API")."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.stage.aws import Stage
from tests.support.fixed import ISSUER, Clock
from tests.support.management import Backend, refusal
from tests.support.people import PASSWORD, PeopleMaker

RESET, VERIFY, JOB = "/tickets/password-change", "/tickets/email-verification", "/jobs/verification-email"
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
        (RESET, {"user_id": "x", "result_url": "https://evil.example.com"}, (400, "invalid_body")),
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
