"""The look, the headers and the errors of all pages."""

from base64 import b64encode
from hashlib import sha256
from urllib.parse import urlsplit

from chalicelib.errors import InvalidRequest, WireError
from chalicelib.http.routes import Caller
from chalicelib.http.wire import NO_STORE, Reply

# Contrast is 4.5:1 or more for text, 3:1 for borders of fields and the focus (WCAG 2.2, 1.4.3 and 1.4.11).
STYLE = (
    ":root{color-scheme:light dark;--paper:#f4f5f7;--card:#fff;--text:#1c2430;--soft:#566072;--line:#76808f;"
    "--edge:#dfe3e8;--accent:#1f5fbf;--on-accent:#fff;--bad:#b3261e}"
    "@media(prefers-color-scheme:dark){:root{--paper:#12161c;--card:#1b212a;--text:#e8ecf2;--soft:#a9b3c1;"
    "--line:#7f8a99;--edge:#2c3440;--accent:#8ab4f8;--on-accent:#0d1a2d;--bad:#ff9c94}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;background:var(--paper);color:var(--text);"
    "font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;overflow-wrap:break-word}"
    ".page{max-width:28rem;margin:0 auto;padding:clamp(1rem,8vh,5rem) 1rem 2rem}"
    "header{margin:0 0 1rem;font-weight:600;color:var(--soft)}"
    "main{background:var(--card);border:1px solid var(--edge);border-radius:.75rem;padding:1.5rem}"
    "h1{font-size:1.5rem;line-height:1.25;margin:0 0 .75rem}"
    "p{margin:0 0 1rem}main>:last-child{margin-bottom:0}"
    "label{display:block;font-weight:600;margin:1rem 0 .25rem}"
    "input{display:block;width:100%;font:inherit;color:inherit;background:var(--card);padding:.625rem .75rem;"
    "border:1px solid var(--line);border-radius:.375rem}"
    "[hidden]{display:none}"
    "input[aria-invalid]{border-color:var(--bad);border-width:2px}"
    "button{display:block;width:100%;font:inherit;font-weight:600;margin:1.5rem 0 0;padding:.75rem 1rem;"
    "border:1px solid transparent;border-radius:.375rem;background:var(--accent);color:var(--on-accent);cursor:pointer}"
    ":focus-visible{outline:3px solid var(--accent);outline-offset:2px}"
    "ul{margin:.5rem 0 0;padding:0 0 0 1.25rem;color:var(--soft)}"
    ".hint{margin:0;color:var(--soft)}"
    ".error{margin:.375rem 0 0;color:var(--bad);font-weight:600}"
)
_STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {{}}; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    **NO_STORE,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": _POLICY.format("'self'"),
    # The link holds a ticket.
    "Referrer-Policy": "no-referrer",
}
FAILED = "That did not work"
OK, SEE_OTHER = 200, 303


class RefusedOnPage(InvalidRequest):
    """A refusal with a page of its own. html: the page. reason: for the log. result_url: as of shown_page."""

    def __init__(self, html: str, reason: str, result_url: str = "") -> None:
        super().__init__(FAILED, reason=reason)
        self.html = html
        self.result_url = result_url


def escape(text: str) -> str:
    """Return a text as HTML, for an element or a quoted attribute."""
    from html import escape as escape_html  # noqa: PLC0415 (its table of entities takes a millisecond, and a login shows no page)

    return escape_html(text)


def page(tenant: str, title: str, *texts: str, form: str = "") -> str:
    """Return the HTML of a page. tenant: its name, "" for none. texts: paragraphs, plain text. form: of form()."""
    name = f"<header>{escape(tenant)}</header>" if tenant else ""
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in texts)
    head = f"{title} - {tenant}" if tenant else title
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(head)}</title><style>{STYLE}</style></head>"
        f'<body><div class="page">{name}<main><h1>{escape(title)}</h1>{paragraphs}{form}</main></div></body></html>'
    )


def shown_page(html: str, result_url: str) -> Reply:
    """Return a page whose form leads to this URL in the end; "" for nowhere."""
    return Reply(html, OK, _headers(result_url))


def done_page(html: str, result_url: str) -> Reply:
    """Return the page that says what was done, or lead on to this URL, if there is one. Source: RFC 9110 15.4.4."""
    return Reply(html, SEE_OTHER, {**HEADERS, "Location": result_url}) if result_url else Reply(html, OK, HEADERS)


def _headers(result_url: str) -> dict[str, str]:
    """Return the headers of a page. Browsers hold where a form's answer redirects to against its form-action."""
    if not result_url:
        return HEADERS
    return {**HEADERS, "Content-Security-Policy": _POLICY.format(f"'self' https://{urlsplit(result_url).netloc}")}


def form(action: str, ticket: str, label: str, fields: str = "") -> str:
    """Return a form with one button, which posts the ticket. action: the last part of the path, relative to the page's.

    fields: HTML of the form's fields.
    """
    hidden = f'<input type="hidden" name="ticket" value="{escape(ticket)}">'
    return f'<form method="post" action="{escape(action)}">{hidden}{fields}<button>{escape(label)}</button></form>'


def password_field(name: str, label: str, error: str, min_length: int, has_rules: bool = False) -> str:
    """Return a field for a new password. error: shown beside it, "" for none. has_rules: `#rules` describes it."""
    descriptions = " ".join([f"{name}-error"] * bool(error) + ["rules"] * has_rules)
    described = f' aria-describedby="{descriptions}"' if descriptions else ""
    # The field to mend takes the focus. Otherwise the page is read from its beginning.
    state = ' aria-invalid="true" autofocus' if error else ""
    told = f'<p class="error" id="{name}-error" role="alert">{escape(error)}</p>' if error else ""
    return (
        f'<label for="{name}">{escape(label)}</label><input id="{name}" name="{name}" type="password" '
        f'autocomplete="new-password" required minlength="{min_length}"{described}{state}>{told}'
    )


def dead_link(tenant: str, refusal: WireError, *texts: str) -> RefusedOnPage:
    """Return the refusal of a link whose ticket is over. texts: what may have happened, and how to get another one."""
    begins = "This link was used already, or is not valid any more."
    return RefusedOnPage(page(tenant, "This link does not work", begins, *texts), refusal.reason)


def error_page(error: WireError) -> Reply:
    """Return the page of an error, with the error's own headers."""
    html = error.html if isinstance(error, RefusedOnPage) else page("", FAILED, error.description)
    result_url = error.result_url if isinstance(error, RefusedOnPage) else ""
    return Reply(html, error.status, {**_headers(result_url), **error.headers})


# A user who followed a link with a ticket, which works once and for one purpose.
LINK_USER = Caller(error_reply=error_page, in_links=frozenset({"ticket"}))
