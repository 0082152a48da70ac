"""Serve moto on the loopback, with answers that come late or are lost, as over a slow link."""

import io
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from tests.support.aws_server import AwsServer
from tests.support.fake_aws.in_process import serve_items

LATE_S = 1.5
GATEWAY_TIMEOUT = "504 Gateway Timeout"
DENIED = b'{"__type": "com.amazonaws#AccessDeniedException", "message": "not allowed"}'


def moto_server() -> AwsServer:
    """Return a WSGI application of this process's moto."""
    return AwsServer(serve_items(DomainDispatcherApplication(create_backend_app)), io.StringIO())


@dataclass
class SlowLink:
    """The WSGI application. late: the operations whose answers come late; None for all.

    lost: whether an operation is done but its answer lost, so that a proxy answers. denied: whether AWS refuses an
    operation. Both are called once for each try. made: the operations that were tried.
    """

    late: tuple[str, ...] | None = None
    lost: Callable[[str], bool] = lambda _: False
    denied: Callable[[str], bool] = lambda _: False
    made: list[str] = field(default_factory=list)
    _aws: AwsServer = field(default_factory=moto_server)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Pass the call to moto, and answer it."""
        operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")[2]
        self.made.append(operation)
        if self.denied(operation):
            start_response("400 Bad Request", [("Content-Type", "application/x-amz-json-1.0")])
            return [DENIED]
        if self.lost(operation):
            list(self._aws(environ, lambda *_: None))
            start_response(GATEWAY_TIMEOUT, [("Content-Type", "text/html")])
            return [b"<html>The far end did not answer.</html>"]
        answer = self._aws(environ, start_response)
        if self.late is None or operation in self.late:
            time.sleep(LATE_S)
        return answer


@contextmanager
def serve_wsgi(application: Callable[..., Iterable[bytes]], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve a WSGI application on a free port until the block ends; yield its URL. tls: a server's context."""
    server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join(10)
