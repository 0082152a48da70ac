"""The pages behind the links in emails: plain HTML that fits a phone, without script, cookie or foreign content.

A GET only shows the page, and a POST acts: mail scanners follow every link, but press no button.
"""

from base64 import b64encode
from hashlib import sha256

from chalicelib.errors import WireError
from chalicelib.flows.notices import NoticeFlow
from chalicelib.http.routes import Caller
from chalicelib.http.wire import NO_STORE, Reply
from chalicelib.model.request import Request

STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:10vh auto;padding:0 1rem}"
    "button{font:inherit;padding:.6rem 1.2rem}"
)
_STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    **NO_STORE,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    # The link holds a ticket.
    "Referrer-Policy": "no-referrer",
}
FAILED = "That did not work"


def page(title: str, text: str, form: str = "") -> str:
    """Return the HTML of a page. text: a paragraph, as plain text. form: HTML of form()."""
    from html import escape  # noqa: PLC0415 (its table of entities takes a millisecond, and a login shows no page)

    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1><p>{escape(text)}</p>{form}</main></body></html>"
    )


def form(action: str, ticket: str, label: str) -> str:
    """Return a button that posts the ticket. action: the last part of the path, relative to the page's own."""
    from html import escape  # noqa: PLC0415 (as above)

    hidden = f'<input type="hidden" name="ticket" value="{escape(ticket)}">'
    return f'<form method="post" action="{escape(action)}">{hidden}<button>{escape(label)}</button></form>'


def error_page(error: WireError) -> Reply:
    """Return the page of an error, with the error's own headers."""
    return Reply(page(FAILED, error.description), error.status, {**HEADERS, **error.headers})


# A user who followed a link with a ticket, which works once and for one purpose.
LINK_USER = Caller(error_reply=error_page, in_links=frozenset({"ticket"}))


def show_unblock(notices: NoticeFlow, request: Request) -> str:
    """Return the page that explains the link of a blocked user's email, with the button that unblocks."""
    ticket = request.query.get("ticket", "")
    notices.require_ticket(ticket)
    text = (
        "Attempts to log in to your account were blocked. If some of them were yours, you can log in again after this."
    )
    return page("Unblock your account", text, form("unblock", ticket, "Unblock my account"))


def unblock(notices: NoticeFlow, request: Request) -> str:
    """Unblock the account of the ticket, and return the page that confirms it."""
    notices.unblock(request, request.params.get("ticket", ""))
    return page("Your account is unblocked", "You can log in again.")
