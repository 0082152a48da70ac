"""The form of a local run's pages: the request that each gets, and the page that it answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra.gateway.app import Receive

MAX_BODY_BYTES = 16 * 1024
HTML = "text/html; charset=utf-8"
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    # A stricter one would hide from a form's own page where the form came from.
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
}
STYLE_PATH = "/_local/style.css"
HERE = Path(__file__).parent
_TEMPLATES = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One request for a page. scope, receive: ASGI's."""

    scope: Mapping[str, Any]
    receive: Receive

    @property
    def method(self) -> str:
        """The HTTP method."""
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        """The decoded path."""
        return str(self.scope["path"])

    def header(self, name: str) -> str:
        """Return the value of a header, or "" if it is missing or stands twice. name: in lower case."""
        values = [value.decode("latin-1") for key, value in self.scope["headers"] if key.decode("latin-1") == name]
        return values[0] if len(values) == 1 else ""

    async def body(self) -> bytes:
        """Return the body, cut a little past its limit."""
        body, more = b"", True
        while more and len(body) <= MAX_BODY_BYTES:
            message = await self.receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        return body


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. headers: in place of, or beside, those of every page."""

    body: bytes = field(repr=False)
    status: int = 200
    content_type: str = HTML
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def all_headers(self) -> dict[str, str]:
        """The headers as sent."""
        own = {"Content-Type": self.content_type, "Content-Length": str(len(self.body))}
        return {**HEADERS, **self.headers, **own}


# Answers a request, or returns None if the path is another page's.
Show = Callable[[PageRequest], Awaitable[Page | None]]


def render(template: str, status: int = 200, **values: Any) -> Page:
    """Return the page of a template of this room. values: escaped, unless they are markup."""
    return Page(_TEMPLATES.get_template(template).render(values, style=STYLE_PATH).encode(), status)
