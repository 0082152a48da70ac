"""How a page looks: plain HTML that a phone shows, without script, cookie or anything from elsewhere."""

from base64 import b64encode
from hashlib import sha256
from html import escape

from chalicelib.errors import WireError
from chalicelib.http.wire import NO_STORE, Reply

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


def page(title: str, text: str, form: str = "", status: int = 200) -> Reply:
    """Return a page. text: a paragraph, as plain text. form: HTML of form()."""
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1><p>{escape(text)}</p>{form}</main></body></html>"
    )
    return Reply(html, status, HEADERS)


def form(action: str, ticket: str, label: str) -> str:
    """Return a button that posts the ticket. action: the last part of the path, whatever stands before it."""
    hidden = f'<input type="hidden" name="ticket" value="{escape(ticket)}">'
    return f'<form method="post" action="{escape(action)}">{hidden}<button>{escape(label)}</button></form>'


def error_page(error: WireError) -> Reply:
    """Return the page of an error, with the error's own headers."""
    shown = page(FAILED, error.description, status=error.status)
    return Reply(shown.body, shown.status, {**shown.headers, **error.headers})
