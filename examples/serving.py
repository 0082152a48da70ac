"""Serve an example on this machine, and say where."""

import logging
import signal
import sys
from typing import Any

from werkzeug.serving import make_server

HOST = "127.0.0.1"


def serve_forever(name: str, app: Any, port: int) -> None:
    """Serve a WSGI application until a signal, after a line that ends with its URL. port: 0 takes a free one."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server(HOST, port, app, threaded=True)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
    print(f"{name} on http://{HOST}:{server.port}/", flush=True)  # noqa: T201 (a program)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
