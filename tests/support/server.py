"""Serve an ASGI application on a free port until a block ends; start a server process that waits for its input."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from infra.gateway.serving import AsgiApplication, Server, Tls, listen
from tests.support.limits import WAIT_S

SERVER = """
import os, sys, threading
from infra.gateway.app import Gateway, GatewayConfig
from infra.gateway.serving import listen, serve

def follow():
    for _ in sys.stdin:
        may_answer.set()
    os._exit(1)

def handler(event, context):
    print("entered", flush=True)
    may_answer.wait()
    return {"statusCode": 200, "body": "done"}

may_answer = threading.Event()
threading.Thread(target=follow, daemon=True).start()
listener = listen("127.0.0.1", 0)
ready = lambda: print(listener.getsockname()[1], flush=True)
serve(Gateway(handler, GatewayConfig({"/": ("GET",)})), listener, on_ready=ready)
print("stopped", flush=True)
"""


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


def start_server() -> subprocess.Popen[str]:
    """Start a server that prints its port, and answers a request once it reads a line of its standard input."""
    command, pipe = [sys.executable, "-c", SERVER], subprocess.PIPE
    return subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=pipe)
