"""The flows by which people make and mend their own accounts. A proof that failed can be shown again."""

from functools import partial

import httpx

from chalicelib.accounts.tickets import IssuedTicket, Tickets
from chalicelib.model.user import User
from chalicelib.passwords.hash import hash_password
from chalicelib.store.tickets import RESET, VERIFY, TicketStore, TicketSubject
from infra.stage.keys import stage_key
from tests.faults.case import Case
from tests.faults.workbench import Bench
from tests.support.accounts import (
    NEW_PASSWORD,
    OPEN,
    PASSWORD,
    VERIFIED,
    ask_reset,
    ask_verification,
    log_in,
    mails,
    new_email,
    reset,
    sign_up,
    ticket_of,
    verify,
)
from tests.support.fixed import BCRYPT_COST


def open_sign_up(bench: Bench) -> Case:
    """A sign-up that makes its account at once: one account, whatever happens, and a retry finds it."""
    bench.move()
    email = new_email()

    def made() -> int:
        return sum(user.email == email for user in bench.people.of(OPEN).records.all())

    def failed(_: bool) -> None:
        assert made() <= 1

    def done(response: httpx.Response) -> None:
        if response.status_code == 200:
            assert made() == 1
            assert bench.people.of(OPEN).find(email).user_id == f"{OPEN}|{response.json()['_id']}"
            assert log_in(bench.http, OPEN, email).status_code == 200

    return Case(lambda: sign_up(bench.http, OPEN, email), failed, done)


def verified_sign_up(bench: Bench) -> Case:
    """A sign-up that waits for its email: nothing is made before that, and in the end it works."""
    bench.move()
    email = new_email()

    def failed(_: bool) -> None:
        assert bench.people.of(VERIFIED).users.locate(email, ("email",)) is None

    def done(_: httpx.Response) -> None:
        mail = mails(bench.http, email)[-1]
        assert verify(bench.http, VERIFIED, ticket=ticket_of(mail)).status_code == 200
        assert log_in(bench.http, VERIFIED, email).status_code == 200

    return Case(lambda: sign_up(bench.http, VERIFIED, email), failed, done)


def asking(bench: Bench, purpose: str) -> Case:
    """An email is asked for, and comes."""
    bench.move()
    user = bench.people.make()
    ask = partial(ask_reset if purpose == RESET else ask_verification, bench.http, OPEN, user.email)

    def done(_: httpx.Response) -> None:
        assert mails(bench.http, user.email)

    return Case(ask, done=done)


def verification(bench: Bench) -> Case:
    """An email is verified by its code."""
    bench.move()
    user = bench.people.make()
    issued = _issue(bench, _subject(VERIFY, user))

    def act() -> httpx.Response:
        return verify(bench.http, OPEN, email=user.email, code=issued.code)

    def anew() -> httpx.Response:
        assert bench.people.of(OPEN).find(user.user_id).email_verified
        return verify(bench.http, OPEN, ticket=_issue(bench, _subject(VERIFY, user)).ticket)

    def done(_: httpx.Response) -> None:
        assert bench.people.of(OPEN).find(user.user_id).email_verified
        assert act().status_code == 400

    return Case(act, done=done, anew=anew)


def verification_of_a_sign_up(bench: Bench) -> Case:
    """The account of a sign-up is made by its email's ticket."""
    bench.move()
    email = new_email()
    fields = {"email": email, "password_hash": hash_password(PASSWORD, BCRYPT_COST)}
    subject = TicketSubject(VERIFY, VERIFIED, f"{VERIFIED}|{email}", email, sign_up=fields)
    issued = _issue(bench, subject)

    def act() -> httpx.Response:
        return verify(bench.http, VERIFIED, ticket=issued.ticket)

    def anew() -> httpx.Response:
        return log_in(bench.http, VERIFIED, email)

    def done(_: httpx.Response) -> None:
        assert log_in(bench.http, VERIFIED, email).status_code == 200
        assert act().status_code == 400

    return Case(act, done=done, anew=anew)


def password_reset(bench: Bench) -> Case:
    """A new password is set by a code: the old one works until then, and the code no longer."""
    bench.move()
    user = bench.people.make(password=PASSWORD)
    log_in(bench.http, OPEN, user.username, "wrong")
    issued = _issue(bench, _subject(RESET, user))

    def act() -> httpx.Response:
        return reset(bench.http, OPEN, email=user.email, code=issued.code)

    def failed(is_lost: bool) -> None:
        assert is_lost or log_in(bench.http, OPEN, user.username).status_code == 200

    def anew() -> httpx.Response:
        return log_in(bench.http, OPEN, user.username, NEW_PASSWORD)

    def done(_: httpx.Response) -> None:
        assert bench.attempts(user.user_id) == (0, 0)
        assert log_in(bench.http, OPEN, user.username, NEW_PASSWORD).status_code == 200
        assert log_in(bench.http, OPEN, user.username).status_code == 400
        assert act().status_code == 400

    return Case(act, failed, done, anew)


def _subject(purpose: str, user: User) -> TicketSubject:
    return TicketSubject(purpose, OPEN, user.user_id, user.email, user.credential_version)


def _issue(bench: Bench, subject: TicketSubject) -> IssuedTicket:
    store = TicketStore(bench.stage.dynamo, f"{bench.stage.prefix}sessions")
    return Tickets(bench.stage.dynamo, store, stage_key(bench.stage).mac, bench.clock).issue(subject)
