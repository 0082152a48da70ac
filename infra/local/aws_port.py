"""Open the emulated AWS of a local run on a port, so that the gatehouse command works on the run.

Programs alone get in: a browser would let any site read and change the run.
"""

import io
import logging
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from infra.local.emulated_aws import CREDENTIALS, STAGE
from infra.local.moto_transport import CALL_LOCK

HOST = "127.0.0.1"
LOOPBACK = (HOST, "localhost", "::1")
# A browser sends one of them with each request that a page makes it send; no SDK of AWS does.
OF_BROWSERS = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_REFERER")
# moto's own paths: they reset it.
MOTO_PATHS = "/moto-api"

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def exports(url: str) -> str:
    """Return the two lines of a shell with which the gatehouse command works on the run."""
    credentials = " ".join(f"{name}={value}" for name, value in CREDENTIALS.items())
    return f"export AWS_ENDPOINT_URL={url}\nexport {credentials} GATEHOUSE_STAGE={STAGE}"


@dataclass(frozen=True, slots=True)
class AwsPort:
    """The WSGI application: moto, one call at a time, by the lock that the run's own calls hold."""

    moto: Wsgi

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one AWS call, or refuse what no program on this machine sends."""
        if not _is_from_program(environ):
            start_response(f"403 {HTTPStatus.FORBIDDEN.phrase}", [("Content-Type", "text/plain")])
            return [b"The emulated AWS answers programs on this machine alone.\n"]
        # Read before the lock is taken: a slow caller would stop the run.
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        with CALL_LOCK:
            return list(self.moto({**environ, "wsgi.input": io.BytesIO(body)}, start_response))


@contextmanager
def serve_aws(listener: socket.socket | None) -> Iterator[None]:
    """Serve the emulated AWS of this process on the listener until the block ends; None serves nothing."""
    if listener is None:
        yield
        return
    # Imported here: it takes long, and no other command needs it.
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415
    from werkzeug.serving import make_server  # noqa: PLC0415

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    app = AwsPort(DomainDispatcherApplication(create_backend_app))
    with listener, make_server(HOST, 0, app, threaded=True, fd=listener.fileno()) as server:
        thread = threading.Thread(target=server.serve_forever, name="aws", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _is_from_program(environ: dict[str, Any]) -> bool:
    try:
        host = urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname
    except ValueError:
        return False
    is_plain = not any(name in environ for name in OF_BROWSERS)
    return is_plain and host in LOOPBACK and not environ["PATH_INFO"].startswith(MOTO_PATHS)
