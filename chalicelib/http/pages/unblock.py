"""The page behind the link of a blocked user's email."""

from chalicelib.errors import InvalidRequest
from chalicelib.flows.notices import NoticeFlow
from chalicelib.http.pages.layout import RefusedOnPage, dead_link, form, page
from chalicelib.model.request import Request


def show(notices: NoticeFlow, request: Request) -> str:
    """Return the page that explains the link, with the button that unblocks."""
    tenant, ticket = notices.mailer.tenant().friendly_name, request.query.get("ticket", "")
    try:
        notices.require_ticket(ticket)
    except InvalidRequest as refusal:
        raise _refusal(tenant, refusal) from None
    return page(
        tenant,
        "Unblock your account",
        "Somebody tried to log in to your account with wrong passwords, too often in a row. Attempts from where they "
        "came from are blocked.",
        "If that was you, unblock your account here, and log in again.",
        form=form("unblock", ticket, "Unblock my account"),
    )


def act(notices: NoticeFlow, request: Request) -> str:
    """Unblock the account of the ticket, and return the page that confirms it."""
    # Read first: once the ticket is used, nothing may fail.
    tenant = notices.mailer.tenant().friendly_name
    try:
        notices.unblock(request, request.params.get("ticket", ""))
    except InvalidRequest as refusal:
        raise _refusal(tenant, refusal) from None
    return page(tenant, "Your account is unblocked", "You can log in again.")


def _refusal(tenant: str, refusal: InvalidRequest) -> RefusedOnPage:
    return dead_link(
        tenant,
        refusal,
        "If you have just pressed the button, it worked: you can log in again.",
        "A new one is mailed if the account is blocked again, once an hour at most. If you cannot log in now, ask "
        "those who run the service to unblock your account.",
    )
