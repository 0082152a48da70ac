"""Serve Pwned Passwords' range API on this machine, with its documented answers and with failures."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TIMEOUT_S = 0.3
PADDING = b"0018A45C4D1DEF81644B54AB7F969B88D65:0\r\n00D4F6E8FA6EECAD2A3AA415EEC418D38EC:2\r\n"


@dataclass
class RangeServer:
    """A range API: its passwords, its way to answer, and the request lines and headers that it received."""

    port: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    status: int = 200
    body: bytes | None = None
    is_silent: bool = False
    speaks_http: bool = True
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def leak(self, password: str, count: int) -> None:
        """Add a password with its number of breaches; 0 makes its line padding."""
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        self.counts.setdefault(digest[:5], {})[digest[5:]] = count

    def connect(self) -> HTTPConnection:
        """Return a connection to this API, in place of the deployed code's."""
        return HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)

    def answer(self, prefix: str) -> bytes:
        """Return the body for a range."""
        lines = (f"{suffix}:{count}\r\n" for suffix, count in self.counts.get(prefix, {}).items())
        return PADDING + "".join(lines).encode() if self.body is None else self.body


@contextmanager
def serving_ranges() -> Iterator[RangeServer]:
    """Serve on a free port of the loopback until the block ends."""
    state = RangeServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.seen.append((self.requestline, dict(self.headers)))
            if state.is_silent:
                state.stopped.wait(10)
            elif state.speaks_http:
                self.send_response(state.status)
                self.end_headers()
                self.wfile.write(state.answer(self.path.removeprefix("/range/")))
            else:
                self.wfile.write(b"220 mail.example.com ESMTP\r\n")

        def log_message(self, format: str, *_: Any) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield state
        finally:
            state.stopped.set()
            server.shutdown()
            thread.join()
