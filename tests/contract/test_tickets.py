"""Tickets and the queue of emails, on the real store: once, in time, at most five tries, hashed at rest."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.accounts.tickets import INVALID, IssuedTicket, Tickets
from chalicelib.errors import InvalidGrant
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.outgoing import OutgoingMail, OutgoingStore
from chalicelib.store.tickets import RESET, VERIFY, EmailTicket, TicketStore, TicketSubject
from infra.stage.aws import Stage
from infra.stage.keys import stage_key
from tests.support.calls import calls_of
from tests.support.canaries import codes_in
from tests.support.fixed import Clock

REALM, EMAIL = "employees", "ticket@example.com"
SUBJECT = TicketSubject(RESET, REALM, "employees|1", EMAIL, 7)


@pytest.fixture
def tickets(stage: Stage, clock: Clock) -> Tickets:
    store = TicketStore(stage.dynamo, f"{stage.prefix}sessions")
    return Tickets(stage.dynamo, store, stage_key(stage).mac, clock)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def by_code(tickets: Tickets, code: str, purpose: str = RESET, realm: str = REALM, email: str = EMAIL) -> EmailTicket:
    return tickets.open_by_code(purpose, realm, email, code)


def refused(open_: Callable[[], object]) -> bool:
    with pytest.raises(InvalidGrant) as failure:
        open_()
    return failure.value.description == INVALID


def test_code_and_ticket_of_one_email_open_the_same_subject(tickets: Tickets) -> None:
    issued = tickets.issue(SUBJECT)

    assert by_code(tickets, issued.code, email=" TICKET@example.com ").subject == SUBJECT
    assert tickets.open_by_ticket(RESET, issued.ticket).subject == SUBJECT


def test_use_of_either_ends_both(tickets: Tickets) -> None:
    issued = tickets.issue(SUBJECT)
    opened = tickets.open_by_ticket(RESET, issued.ticket)
    tickets.dynamo.commit((tickets.store.use_write(opened),))

    assert refused(lambda: by_code(tickets, issued.code))
    assert refused(lambda: tickets.open_by_ticket(RESET, issued.ticket))
    with pytest.raises(ConditionFailed):
        tickets.dynamo.commit((tickets.store.use_write(opened),))


def test_newer_email_ends_the_earlier_one(tickets: Tickets) -> None:
    first = tickets.issue(SUBJECT)
    opened = tickets.open_by_ticket(RESET, first.ticket)
    second = tickets.issue(SUBJECT)

    assert refused(lambda: tickets.open_by_ticket(RESET, first.ticket))
    assert first.code == second.code or refused(lambda: by_code(tickets, first.code))
    with pytest.raises(ConditionFailed):
        tickets.dynamo.commit((tickets.store.use_write(opened),))
    assert tickets.open_by_ticket(RESET, second.ticket).subject == SUBJECT


def test_sixth_try_is_refused_though_the_code_is_right(tickets: Tickets) -> None:
    issued = tickets.issue(SUBJECT)

    assert all(refused(lambda: by_code(tickets, wrong(issued.code))) for _ in range(5))
    assert refused(lambda: by_code(tickets, issued.code))
    assert tickets.open_by_ticket(RESET, issued.ticket)


def test_right_code_counts_too(tickets: Tickets) -> None:
    issued = tickets.issue(SUBJECT)

    assert [by_code(tickets, issued.code).subject for _ in range(5)] == [SUBJECT] * 5
    assert refused(lambda: by_code(tickets, issued.code))


def test_parallel_guesses_are_judged_five_times(tickets: Tickets) -> None:
    issued = tickets.issue(SUBJECT)
    id_of = tickets.open_by_ticket(RESET, issued.ticket).ticket_id
    with ThreadPoolExecutor(20) as pool:
        judged = list(pool.map(lambda _: tickets.store.count_try(id_of, tickets.clock.now_s()), range(40)))

    assert sum(one is not None for one in judged) == 5


def test_code_ends_after_ten_minutes_and_the_ticket_after_a_day(tickets: Tickets, clock: Clock) -> None:
    issued = tickets.issue(SUBJECT)
    clock.advance(599)
    assert by_code(tickets, issued.code)
    clock.advance(1)
    assert refused(lambda: by_code(tickets, issued.code))
    clock.advance(86_400 - 601)
    assert tickets.open_by_ticket(RESET, issued.ticket)
    clock.advance(1)
    assert refused(lambda: tickets.open_by_ticket(RESET, issued.ticket))


@pytest.mark.parametrize(
    "other",
    [{"purpose": VERIFY}, {"realm": "customers"}, {"email": "other@example.com"}],
    ids=["purpose", "realm", "email"],
)
def test_ticket_is_bound_to_its_purpose_realm_and_email(tickets: Tickets, other: dict[str, str]) -> None:
    issued = tickets.issue(SUBJECT)

    assert refused(lambda: by_code(tickets, issued.code, **other))
    assert "purpose" not in other or refused(lambda: tickets.open_by_ticket(other["purpose"], issued.ticket))


@pytest.mark.parametrize("token", ["", "nope", "et1_", "et1_a", "et1_" + "\u00e9" * 300, "x" * 5000, "ut2_" + "0" * 75])
def test_text_that_is_no_ticket_is_refused(tickets: Tickets, token: str) -> None:
    assert refused(lambda: tickets.open_by_ticket(RESET, token))


def test_unknown_email_costs_the_calls_of_a_wrong_code(tickets: Tickets, stage: Stage) -> None:
    issued = tickets.issue(SUBJECT)
    with calls_of(stage) as known:
        refused(lambda: by_code(tickets, wrong(issued.code)))
    with calls_of(stage) as unknown:
        refused(lambda: by_code(tickets, issued.code, email="nobody@example.com"))

    assert known.made == unknown.made == ["UpdateItem"]


def test_sign_up_that_waits_is_found_until_it_is_over(tickets: Tickets, clock: Clock) -> None:
    waiting = TicketSubject(VERIFY, REALM, "employees|2", "new@example.com", sign_up={"name": "New"})
    tickets.issue(waiting)

    assert tickets.find_sign_up(REALM, "NEW@example.com") == waiting
    assert tickets.find_sign_up(REALM, EMAIL) is None
    clock.advance(86_400)
    assert tickets.find_sign_up(REALM, "new@example.com") is None


def test_stored_ticket_holds_neither_code_nor_ticket(tickets: Tickets, stage: Stage) -> None:
    issued = tickets.issue(SUBJECT)
    stored = str(stage.clients.dynamodb.scan(TableName=f"{stage.prefix}sessions")["Items"])

    assert tickets.open_by_ticket(RESET, issued.ticket).ticket_hash in stored
    assert issued.ticket[-43:] not in stored
    assert codes_in(stored, issued.code) == []
    assert issued.code not in repr(issued)
    assert issued.ticket not in repr([issued, tickets.open_by_ticket(RESET, issued.ticket), IssuedTicket])


def test_queued_email_is_taken_once(stage: Stage, clock: Clock) -> None:
    queue = OutgoingStore(stage.dynamo, f"{stage.prefix}attempts")
    mail = OutgoingMail("a-kind", REALM, "queued@example.com", values={"name": "Q"})
    queue.queue(mail, clock.now_ms())
    found = [one for one in queue.find_due(clock.now_s()) if one.mail.kind == "a-kind"]

    assert [one.mail for one in found] == [mail]
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(queue.take, found * 8)) == [False] * 7 + [True]
    assert [one for one in queue.find_due(clock.now_s()) if one.mail.kind == "a-kind"] == []


def test_email_that_waited_a_day_is_sent_no_more(stage: Stage, clock: Clock) -> None:
    queue = OutgoingStore(stage.dynamo, f"{stage.prefix}attempts")
    stage.dynamo.commit((queue.queue_write(OutgoingMail("late", REALM, "late@example.com"), clock.now_ms()),))
    clock.advance(86_399)
    (found,) = (one for one in queue.find_due(clock.now_s()) if one.mail.kind == "late")
    clock.advance(1)
    assert [one for one in queue.find_due(clock.now_s()) if one.mail.kind == "late"] == []

    # Or the schedule of a later test on this stage would send it.
    assert queue.take(found)
