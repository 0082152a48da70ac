"""The pages behind the links in emails: from a request to a flow and back.

A GET shows, a POST acts: mail scanners follow every link, and press no button.
"""

from chalicelib.http.application import Services
from chalicelib.http.pages import form, page
from chalicelib.http.wire import Reply
from chalicelib.model.request import Request


def unblock(services: Services, request: Request) -> Reply:
    """GET shows what the link of an email to a blocked person does, POST does it."""
    if request.method == "POST":
        services.notices.unblock(request, request.params.get("ticket", ""))
        return page("Your account is unblocked", "You can log in again.")
    ticket = request.query.get("ticket", "")
    services.notices.require_ticket(ticket)
    text = (
        "Attempts to log in to your account were blocked. If some of them were yours, you can log in again after this."
    )
    return page("Unblock your account", text, form("unblock", ticket, "Unblock my account"))
