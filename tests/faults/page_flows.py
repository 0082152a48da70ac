"""The flows of the pages behind emails' links that act on a ticket, for the table of flows."""

import httpx

from chalicelib.accounts.tickets import Tickets
from chalicelib.model.user import User
from chalicelib.store.tickets import RESET, VERIFY, TicketStore, TicketSubject
from infra.stage.keys import stage_key
from tests.faults.case import Case
from tests.faults.workbench import Bench
from tests.support.accounts import NEW_PASSWORD

REALM = "employees"


def verification(bench: Bench) -> Case:
    """A link that confirms an email: it works until it has, and no failure confirms half of it."""
    bench.move()
    user = bench.people.make(email_verified=False)
    token = _ticket(bench, user, VERIFY)

    def act() -> httpx.Response:
        return bench.http.post("/u/verify", data={"ticket": token})

    def is_verified() -> bool:
        return bench.people.of(REALM).find(user.user_id).email_verified

    def failed(is_lost: bool) -> None:
        assert is_verified() == is_lost

    def done(_: httpx.Response) -> None:
        assert is_verified()
        assert act().status_code == 400

    def anew() -> httpx.Response:
        assert is_verified()
        return bench.http.login(username=user.username)

    return Case(act, failed, done, anew)


def reset(bench: Bench) -> Case:
    """A link that sets a new password: it works until it has, and the old password works as long."""
    bench.move()
    user = bench.people.make(email_verified=True)
    token = _ticket(bench, user, RESET)

    def act() -> httpx.Response:
        form = {"ticket": token, "password": NEW_PASSWORD, "password_repeat": NEW_PASSWORD}
        return bench.http.post("/u/reset", data=form)

    def done(_: httpx.Response) -> None:
        assert bench.http.login(username=user.username, password=NEW_PASSWORD).status_code == 200
        assert act().status_code == 400

    def anew() -> httpx.Response:
        return bench.http.login(username=user.username, password=NEW_PASSWORD)

    def failed(is_lost: bool) -> None:
        changed = bench.people.of(REALM).find(user.user_id).password_hash != user.password_hash
        assert changed == is_lost

    return Case(act, failed, done, anew)


def _ticket(bench: Bench, user: User, purpose: str) -> str:
    """Return the ticket of an email's link."""
    store = TicketStore(bench.stage.dynamo, f"{bench.stage.prefix}sessions")
    tickets = Tickets(bench.stage.dynamo, store, stage_key(bench.stage).mac, bench.clock)
    return tickets.issue(TicketSubject(purpose, REALM, user.user_id, user.email, user.credential_version)).ticket
