"""The page behind the link that confirms an email address."""

from chalicelib.errors import InvalidGrant
from chalicelib.flows.accounts.links import LinkFlow
from chalicelib.http.pages.layout import RefusedOnPage, dead_link, done_page, form, page, shown_page
from chalicelib.http.wire import Reply
from chalicelib.model.request import Request
from chalicelib.store.tickets import VERIFY, TicketSubject

TITLE = "Confirm your email address"


def show(links: LinkFlow, request: Request) -> Reply:
    """Return the page with the button that confirms the address."""
    tenant, token = links.tenant_name, request.query.get("ticket", "")
    try:
        ticket = links.open(VERIFY, token)
    except InvalidGrant as refusal:
        raise _refusal(tenant, refusal) from None
    return shown_page(_form_page(tenant, ticket.subject, token), links.result_url(ticket))


def act(links: LinkFlow, request: Request) -> Reply:
    """Confirm the address of the ticket, and return the page that says so, or lead on to the ticket's result_url."""
    links.count(request)
    # Read first: once the ticket is used, nothing may fail.
    tenant = links.tenant_name
    try:
        result_url = links.verify(request, request.params.get("ticket", ""))
    except InvalidGrant as refusal:
        raise _refusal(tenant, refusal) from None
    return done_page(page(tenant, "Your email address is confirmed", "You can log in now."), result_url)


def _form_page(tenant: str, subject: TicketSubject, token: str) -> str:
    if subject.sign_up:
        text = f"Somebody signed up with {subject.email}. If that was you, press the button: it makes your account."
        warning = "If you did not sign up yourself, close this page."
        return page(tenant, TITLE, text, warning, form=form("verify", token, "Confirm and make my account"))
    text = f"Is {subject.email} your address? Press the button to confirm it."
    return page(tenant, TITLE, text, form=form("verify", token, "Confirm my email address"))


def _refusal(tenant: str, refusal: InvalidGrant) -> RefusedOnPage:
    return dead_link(
        tenant,
        refusal,
        "If you have just pressed the button, it worked: your email address is confirmed, and you can log in.",
        "If not, ask for another email where you log in or signed up. A link works once, for a day, and a newer email "
        "ends it.",
    )
