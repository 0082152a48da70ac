"""HTTP POST over connections that are kept open. Of AWS it knows AwsUnreachable alone.

Imports inside functions are for the first call, which some processes never make.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from chalicelib.store.aws.caller import AwsUnreachable
from chalicelib.store.aws.http_reply import Reply, read_reply
from chalicelib.tls import tls_context

if TYPE_CHECKING:
    import socket
    import ssl

HTTPS_PORT = 443
MAX_IDLE = 64


class Transport(Protocol):
    """Sends one request and waits for its answer. Safe from several threads."""

    def __call__(self, host: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """POST a body to the root of a host. Raises AwsUnreachable."""


class KeepAlive:
    """The transport over sockets. connect: opens a connection to a host. read_timeout_s: the longest silence."""

    def __init__(self, connect: "Callable[[str], socket.socket]", read_timeout_s: float) -> None:
        self._connect, self._read_timeout_s = connect, read_timeout_s
        self._idle: dict[str, list[socket.socket]] = {}

    def __call__(self, host: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """POST a body to the root of a host. Raises AwsUnreachable.

        If a connection fails, the idle ones to its host are closed too: after a pause of the process all are dead.
        """
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST / HTTP/1.1\r\n{lines}accept-encoding: identity\r\ncontent-length: {len(body)}\r\n\r\n"
        connection = self._find_idle(host) or self._open(host)
        try:
            reply, may_stay_open = _exchange(connection, head.encode("ascii") + body)
        except BaseException:
            connection.close()
            self.close_idle(host)
            raise
        idle = self._idle.setdefault(host, [])
        if may_stay_open and len(idle) < MAX_IDLE:
            idle.append(connection)
        else:
            connection.close()
        return reply

    def close_idle(self, host: str) -> None:
        """Close the connections to a host that no request is under way on."""
        while connection := self._take_idle(host):
            connection.close()

    def _find_idle(self, host: str) -> "socket.socket | None":
        """Return the connection that was used last, if its peer has neither closed it nor sent anything since."""
        while connection := self._take_idle(host):
            if _is_quiet(connection):
                return connection
            connection.close()
        return None

    def _take_idle(self, host: str) -> "socket.socket | None":
        # list.pop is atomic, so no two threads get the same connection.
        try:
            return self._idle.setdefault(host, []).pop()
        except IndexError:
            return None

    def _open(self, host: str) -> "socket.socket":
        try:
            connection = self._connect(host)
        except TimeoutError as error:
            raise AwsUnreachable("ConnectTimeoutError") from error
        except OSError as error:
            raise AwsUnreachable(f"EndpointConnectionError, {type(error).__name__}") from error
        connection.settimeout(self._read_timeout_s)
        return connection


def connect_by_tls(
    host: str, timeout_s: float, port: int = HTTPS_PORT, context: "ssl.SSLContext | None" = None
) -> "socket.socket":
    """Open a TLS connection to a host whose certificate is checked. context: the system's authorities by default."""
    import socket  # noqa: PLC0415

    plain = socket.create_connection((host, port), timeout_s)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return (context or tls_context()).wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _is_quiet(connection: "socket.socket") -> bool:
    from select import POLLIN, poll  # noqa: PLC0415

    poller = poll()
    poller.register(connection, POLLIN)
    # Bytes that TLS has deciphered, and nobody has read, no longer show on the socket.
    return not poller.poll(0) and not getattr(connection, "pending", int)()


def _exchange(connection: "socket.socket", request: bytes) -> tuple[Reply, bool]:
    """Return the answer to a request, and whether another request may follow on the same connection."""
    try:
        connection.sendall(request)
        return read_reply(connection)
    except TimeoutError as error:
        raise AwsUnreachable("ReadTimeoutError") from error
    except (OSError, ValueError) as error:
        raise AwsUnreachable("ConnectionClosedError") from error
