"""The page behind the link of a forgotten password."""

from dataclasses import dataclass

from chalicelib.errors import InvalidGrant, InvalidPassword, WireError
from chalicelib.flows.accounts.links import LinkFlow
from chalicelib.http.pages.layout import (
    RefusedOnPage,
    dead_link,
    done_page,
    escape,
    form,
    page,
    password_field,
    shown_page,
)
from chalicelib.http.wire import Reply
from chalicelib.model.request import Request
from chalicelib.store.tickets import RESET, EmailTicket

TITLE = "Choose a new password"
NONE = "Type a new password."
DIFFERENT = "The two are not the same. Type the new password twice."


@dataclass(frozen=True, slots=True)
class FieldErrors:
    """The faults of the typed passwords, each to be shown beside its field."""

    password: str = ""
    repeat: str = ""


def show(links: LinkFlow, request: Request) -> Reply:
    """Return the page with the form for the new password."""
    tenant, token = links.tenant_name, request.query.get("ticket", "")
    ticket = _open(links, tenant, token)
    return shown_page(_form_page(links, tenant, ticket, token, FieldErrors()), links.result_url(ticket))


def act(links: LinkFlow, request: Request) -> Reply:
    """Set the new password, and return the page that says so, or lead on to the ticket's result_url.

    A password that is refused leaves the link alone.
    """
    links.count(request)
    # Read first: once the ticket is used, nothing may fail.
    tenant, token = links.tenant_name, request.params.get("ticket", "")
    ticket = _open(links, tenant, token)
    result_url = links.result_url(ticket)
    password, repeat = request.params.get("password", ""), request.params.get("password_repeat", "")
    if not password or password != repeat:
        errors = FieldErrors(repeat=DIFFERENT) if password else FieldErrors(NONE)
        html = _form_page(links, tenant, ticket, token, errors)
        raise RefusedOnPage(html, "no password, or two different ones", result_url)
    try:
        links.reset(request, token, password)
    except InvalidPassword as refusal:
        html = _form_page(links, tenant, ticket, token, FieldErrors(refusal.description))
        raise RefusedOnPage(html, refusal.reason, result_url) from None
    except InvalidGrant as refusal:
        raise _refusal(tenant, refusal) from None
    return done_page(page(tenant, "Your password is changed", "You can log in with it now."), result_url)


def _open(links: LinkFlow, tenant: str, token: str) -> EmailTicket:
    try:
        return links.open(RESET, token)
    except InvalidGrant as refusal:
        raise _refusal(tenant, refusal) from None


def _form_page(links: LinkFlow, tenant: str, ticket: EmailTicket, token: str, errors: FieldErrors) -> str:
    email, min_length = ticket.subject.email, links.min_length(ticket)
    rules = "".join(f"<li>{escape(rule)}</li>" for rule in links.password_rules(ticket))
    fields = (
        # A password manager files the new password under it.
        f'<input hidden readonly name="username" autocomplete="username" value="{escape(email)}">'
        + password_field("password", "New password", errors.password, min_length, has_rules=True)
        + f'<ul id="rules">{rules}</ul>'
        + password_field("password_repeat", "New password, once more", errors.repeat, min_length)
    )
    return page(tenant, TITLE, f"For the account of {email}.", form=form("reset", token, "Change my password", fields))


def _refusal(tenant: str, refusal: WireError) -> RefusedOnPage:
    return dead_link(
        tenant,
        refusal,
        "If you have just pressed the button, it worked: log in with your new password.",
        "If not, ask for another email where you log in, as for a forgotten password. A link works once, for a day, "
        "and a newer email ends it.",
    )
