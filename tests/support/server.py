"""An ASGI application on a free port of this machine, as a context."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from infra.gateway.serving import AsgiApplication, Server, Tls, listen
from tests.support.limits import WAIT_S


@contextmanager
def serving(app: AsgiApplication, tls: Tls | None = None) -> Iterator[int]:
    """Serve until the block ends; yield the port."""
    listener, ready = listen("127.0.0.1", 0), threading.Event()
    port = int(listener.getsockname()[1])
    server = Server(app, tls, ready.set)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    if not ready.wait(WAIT_S):
        raise TimeoutError("the server did not start")
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join(WAIT_S)
