"""The pages of a backend's tickets lead a browser on to the ticket's result_url."""

import pytest

from chalicelib.accounts.tickets import Tickets
from chalicelib.store.tickets import RESET, VERIFY, TicketStore, TicketSubject
from infra.stage.aws import Stage
from infra.stage.keys import stage_key
from tests.pages.visitor import Visitor
from tests.support.accounts import NEW_PASSWORD
from tests.support.fixed import Clock
from tests.support.people import PeopleMaker

# Its host stands in the demo's result_hosts of this realm.
REALM, RESULT_URL = "customers", "https://app.example.com/done"
PATHS = {VERIFY: "verify", RESET: "reset"}


@pytest.mark.parametrize("purpose", PATHS)
def test_button_of_a_ticket_leads_the_browser_to_its_result_url(
    visitor: Visitor, stage: Stage, people: PeopleMaker, clock: Clock, purpose: str
) -> None:
    user = people.make(REALM, email_verified=False)
    subject = TicketSubject(purpose, REALM, user.user_id, user.email, user.credential_version, result_url=RESULT_URL)
    store = TicketStore(stage.dynamo, f"{stage.prefix}sessions")
    ticket = Tickets(stage.dynamo, store, stage_key(stage).mac, clock).issue(subject).ticket

    assert visitor.follow(f"https://login.example.com/u/{PATHS[purpose]}?ticket={ticket}") == 200
    for name in ("password", "password_repeat") if purpose == RESET else ():
        visitor.page.fill(f"[name={name}]", NEW_PASSWORD)
    # No test reaches that host: the request is enough, and a policy of the page would have kept the browser from it.
    with visitor.page.expect_request(RESULT_URL) as asked:
        visitor.page.get_by_role("button").click()
    assert (asked.value.method, "referer" in asked.value.headers) == ("GET", False)
    assert people.of(REALM).find(user.user_id).email_verified
    visitor.requests.remove(RESULT_URL)
