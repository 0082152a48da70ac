"""Show the messages that a local run sent: a list, and each by its number, such as /_local/outbox/3."""

import re
from dataclasses import dataclass

from infra.local.outbox import PATH, Outbox
from infra.local.pages.page import Page, PageRequest

_NUMBER = re.compile(rf"{PATH}/([1-9][0-9]{{0,8}})")
# A mail has its style inside. A mail program runs no script and, if it is careful, loads nothing.
_MAIL = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'",
    # The link in it holds a ticket.
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Messages:
    """The pages of the outbox."""

    outbox: Outbox

    async def show(self, request: PageRequest) -> Page | None:
        """Return all messages as a JSON array, newest first, or one as a mail program shows it; else None."""
        if request.method != "GET":
            return None
        if request.path == PATH:
            return Page(self.outbox.as_json(), content_type="application/json")
        named = _NUMBER.fullmatch(request.path)
        message = self.outbox.message(int(named[1])) if named else None
        return Page(message.as_html().encode(), headers=_MAIL) if message else None
