"""A port for an ASGI application: taken before anything slow starts, served until a signal, left without a trace."""

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
# Longer than clients keep idle connections, so that it is they who close them.
KEEP_ALIVE_S = 75
# Longer than API Gateway lets a request take: at a stop, requests under way are answered.
STOP_WITHIN_S = 30


class CannotListen(Exception):
    """The address cannot be served; the message says why."""

    def __init__(self, host: str, port: int, why: str) -> None:
        """why: a clause that ends the sentence."""
        super().__init__(f"Cannot listen on {host} port {port}: {why}.")
        self.host, self.port = host, port


class PortInUse(CannotListen):
    """Another process has the port."""

    def __init__(self, host: str, port: int) -> None:
        """Name the address that is taken."""
        super().__init__(host, port, "another process has it")


@dataclass(frozen=True, slots=True)
class Tls:
    """A certificate chain and its private key, each a PEM file."""

    certificate: Path
    private_key: Path


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes any free one. Raises PortInUse, CannotListen for every other failure."""
    # asyncio sends without delay only where the socket names TCP: otherwise each answer waits 40 ms for an ACK.
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
    """uvicorn as we run it: quiet, HTTP/1.1, and a stop by signal is an end, no failure.

    run(sockets=[...]) serves until SIGINT or SIGTERM, or until should_exit is set, and answers what is under way first.
    """

    def __init__(
        self, app: AsgiApplication, tls: Tls | None = None, on_ready: Callable[[], None] = lambda: None
    ) -> None:
        """on_ready: called once requests are taken."""
        super().__init__(_config(app, tls))
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then say so."""
        await super().startup(sockets)
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal. uvicorn's own way raises it once more at the end, which makes a failure of it."""
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
    """Serve on the listener until SIGINT or SIGTERM; returns when requests under way are answered and it is closed."""
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
        # The peer's address is what throttling counts: no header may change it.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_WITHIN_S,
        backlog=BACKLOG,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.private_key if tls else None,
    )
