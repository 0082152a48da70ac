"""Serve the pages of a local run beside the API, and only to requests that name the host that is served."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.gateway.app import Gateway, Message, Receive, Send
from infra.gateway.hosts import ServedHosts
from infra.local.pages.page import HERE, STYLE_PATH, Page, PageRequest, Show, render

PREFIX = "/_local/"


@dataclass(frozen=True, slots=True)
class LocalSite:
    """The ASGI application of a local run: the API, and the pages at / and below /_local/.

    pages: the first that has the request's path answers it. after: called after each request to the API.
    """

    gateway: Gateway
    hosts: ServedHosts
    pages: Sequence[Show]
    after: Callable[[], None]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["path"] == "/" or scope["path"].startswith(PREFIX):
            page = await self._page(scope, receive)
            if page:
                await _send(send, page)
                return
        await self.gateway(scope, receive, send)
        self.after()

    async def _page(self, scope: Mapping[str, Any], receive: Receive) -> Page | None:
        """Return the page, or None if there is none: the API answers then, as it does in AWS."""
        request = PageRequest(scope, receive)
        if not self.hosts.has(request.header("host")):
            return render("refused.html", 421, own=self.hosts.urls[0])
        origin = request.header("origin")
        if request.method == "POST" and origin and not self.hosts.has(origin.partition("://")[2]):
            return render("refused.html", 403, own=self.hosts.urls[0])
        for show in self.pages:
            page = await show(request)
            if page:
                return page
        return None


async def show_style(request: PageRequest) -> Page | None:
    """Return the style sheet of all pages."""
    if (request.method, request.path) != ("GET", STYLE_PATH):
        return None
    return Page((HERE / "style.css").read_bytes(), content_type="text/css; charset=utf-8")


async def _send(send: Send, page: Page) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in page.all_headers.items()]
    await send({"type": "http.response.start", "status": page.status, "headers": headers})
    await send({"type": "http.response.body", "body": page.body})
