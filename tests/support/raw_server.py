"""A TCP server on loopback that says what a test tells it to, byte by byte."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ssl import SSLContext
from threading import Thread
from typing import BinaryIO

PATIENCE_S = 10
# An answer that never comes: the server waits until the client has gone.
SILENCE = None
Script = tuple[bytes | None, ...]


@dataclass
class RawServer:
    """Takes connections one after the other. scripts: by connection, the answers to its requests; then it closes.

    requests: by connection, what came: the head and the body of each.
    """

    scripts: tuple[Script, ...]
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    connections: list[socket.socket] = field(default_factory=list)
    requests: list[list[tuple[bytes, bytes]]] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)

    @property
    def port(self) -> int:
        port: int = self.listener.getsockname()[1]
        return port

    def connect(self, _: str) -> socket.socket:
        """Connect, whatever the host is called."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)

    def run(self) -> None:
        for script in self.scripts:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            self.requests.append([])
            thread = Thread(target=self._converse, args=(connection, script, self.requests[-1]), daemon=True)
            self.threads.append(thread)
            thread.start()

    def wait_until_closed(self, number: int) -> None:
        """Wait until the server has closed its connection of this number."""
        self.threads[number].join(PATIENCE_S)
        assert not self.threads[number].is_alive()

    def _converse(self, connection: socket.socket, script: Script, seen: list[tuple[bytes, bytes]]) -> None:
        # Whoever gives up waiting resets the connection.
        with connection, connection.makefile("rb") as stream, suppress(ConnectionError):
            for said in script:
                seen.append(read_request(stream))
                connection.sendall(stream.read(1) if said is SILENCE else said)


def read_request(stream: BinaryIO) -> tuple[bytes, bytes]:
    """Return the next request's head, with its empty line, and its body."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and (line := stream.readline()):
        head += line
    _, _, length = head.lower().partition(b"content-length: ")
    return head, stream.read(int(length.partition(b"\r\n")[0] or 0))


@contextmanager
def raw_server(*scripts: Script) -> Iterator[RawServer]:
    """Serve these scripts inside the block."""
    server = RawServer(scripts)
    Thread(target=server.run, daemon=True).start()
    try:
        yield server
    finally:
        with suppress(OSError):
            server.listener.shutdown(socket.SHUT_RDWR)
        server.listener.close()


@contextmanager
def echo_server(context: SSLContext | None = None) -> Iterator[int]:
    """Answer every request with its own body, on any number of connections; yield the port. context: for TLS."""

    def echo(plain: socket.socket) -> None:
        with plain, suppress(OSError):
            connection = context.wrap_socket(plain, server_side=True) if context else plain
            with connection, connection.makefile("rb") as stream:
                while (request := read_request(stream))[0]:
                    connection.sendall(answer(request[1]))

    def accept() -> None:
        with suppress(OSError):
            while True:
                Thread(target=echo, args=listener.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        # Nothing else wakes a thread that waits in accept.
        listener.shutdown(socket.SHUT_RDWR)


def answer(body: bytes, status: int = 200, **headers: str) -> bytes:
    """Return an HTTP answer of known length."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} -\r\ncontent-length: {len(body)}\r\n{lines}\r\n".encode() + body
