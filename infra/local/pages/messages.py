"""Show the messages that a local run sent."""

from dataclasses import dataclass

from infra.local.outbox import Outbox
from infra.local.pages.page import Page, PageRequest

PATH = "/_local/outbox"


@dataclass(frozen=True, slots=True)
class Messages:
    """The page of the outbox."""

    outbox: Outbox

    async def show(self, request: PageRequest) -> Page | None:
        """Return all messages as a JSON array, newest first; None for another path."""
        if (request.method, request.path) != ("GET", PATH):
            return None
        return Page(self.outbox.as_json(), content_type="application/json")
