"""Listen on a port before anything slow starts, and serve an ASGI application on it until a signal."""

import contextlib
import errno
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

AsgiApplication = Callable[..., Awaitable[None]]

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
BACKLOG = 1024
# Longer than clients keep idle connections, so that the client closes them.
KEEP_ALIVE_S = 75
# Longer than API Gateway's time-out, so that requests under way are answered before a stop.
STOP_WITHIN_S = 30


class CannotListen(Exception):
    """The server cannot listen on this address; the message says why."""

    def __init__(self, host: str, port: int, why: str) -> None:
        """why: the clause after the colon of the message."""
        super().__init__(f"Cannot listen on {host} port {port}: {why}.")
        self.host, self.port = host, port


class PortInUse(CannotListen):
    """Another process listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        """host, port: the address that is in use."""
        super().__init__(host, port, "another process has it")


@dataclass(frozen=True, slots=True)
class Tls:
    """A certificate chain and its private key, each a PEM file."""

    certificate: Path
    private_key: Path


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises PortInUse, or CannotListen for another failure."""
    # asyncio sends without delay only if the socket names TCP: otherwise each answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as fault:
        listener.close()
        if fault.errno == errno.EADDRINUSE:
            raise PortInUse(host, port) from fault
        raise CannotListen(host, port, fault.strerror or str(fault)) from fault
    return listener


class Server(uvicorn.Server):
    """uvicorn without logs, over HTTP/1.1, for which a signal is a normal end.

    run(sockets=[...]) serves until SIGINT, SIGTERM or should_exit, and first answers the requests under way.
    """

    def __init__(
        self, app: AsgiApplication, tls: Tls | None = None, on_ready: Callable[[], None] = lambda: None
    ) -> None:
        """on_ready: called once the server accepts requests."""
        super().__init__(_config(app, tls))
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then call on_ready."""
        await super().startup(sockets)
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal. uvicorn's own method raises the signal again at the end, and so exits with a failure."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(
    app: AsgiApplication, listener: socket.socket, tls: Tls | None = None, on_ready: Callable[[], None] = lambda: None
) -> None:
    """Serve on the listener until SIGINT or SIGTERM. Return when requests under way are answered."""
    Server(app, tls, on_ready).run(sockets=[listener])


def _config(app: AsgiApplication, tls: Tls | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        interface="asgi3",
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        # Throttling counts by the peer's address: no header may change it.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_WITHIN_S,
        backlog=BACKLOG,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.private_key if tls else None,
    )
