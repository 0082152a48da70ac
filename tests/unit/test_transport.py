"""Requests over connections that are kept open, against servers that misbehave."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import pytest
import trustme

from chalicelib.store.aws.caller import AwsUnreachable
from chalicelib.store.aws.http_reply import MAX_ANSWER_BYTES, Reply
from chalicelib.store.aws.transport import MAX_IDLE, KeepAlive, connect_by_tls
from tests.support.raw_server import PATIENCE_S, SILENCE, answer, echo_server, raw_server
from tests.support.threads import at_once

# How long a test waits for an answer that never comes.
IMPATIENCE_S = 0.05
HOST = "localhost"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def raising(error: OSError) -> Callable[[str], socket.socket]:
    def connect(_: str) -> socket.socket:
        raise error

    return connect


class TransportMaker(Protocol):
    def __call__(self, connect: Callable[[str], socket.socket], read_timeout_s: float = PATIENCE_S) -> KeepAlive: ...


@pytest.fixture
def transport_by() -> Iterator[TransportMaker]:
    """Makes transports whose connections are closed when the test ends."""
    made = []

    def make(connect: Callable[[str], socket.socket], read_timeout_s: float = PATIENCE_S) -> KeepAlive:
        made.append(KeepAlive(connect, read_timeout_s))
        return made[-1]

    yield make
    for transport in made:
        transport.close_idle(HOST)


def ask(transport: KeepAlive, body: bytes = b"{}") -> Reply:
    return transport(HOST, {"host": HOST, "x-amz-target": "Service.Operation"}, body)


def failure_of(transport: KeepAlive) -> str:
    with pytest.raises(AwsUnreachable) as failure:
        ask(transport)
    return failure.value.reason


def test_request_is_one_post_of_the_headers_and_the_body(transport_by: TransportMaker) -> None:
    with raw_server((answer(b"{}"),)) as server:
        ask(transport_by(server.connect), b'{"a":1}')

    assert server.requests == [
        [
            (
                b"POST / HTTP/1.1\r\nhost: localhost\r\nx-amz-target: Service.Operation\r\n"
                b"accept-encoding: identity\r\ncontent-length: 7\r\n\r\n",
                b'{"a":1}',
            )
        ]
    ]


def test_answer_has_its_status_its_headers_in_lower_case_and_its_body(transport_by: TransportMaker) -> None:
    with raw_server((answer(b'{"a":1}', 418, X_Amz_Crc32="12"),)) as server:
        reply = ask(transport_by(server.connect))

    assert (reply.status, reply.headers["x-amz-crc32"], reply.body) == (418, "12", b'{"a":1}')


def test_connection_is_used_again(transport_by: TransportMaker) -> None:
    with raw_server((answer(b"1"), answer(b"2"))) as server:
        transport = transport_by(server.connect)

        assert [ask(transport).body for _ in range(2)] == [b"1", b"2"]
    assert len(server.connections) == 1


def test_chunked_answer_is_put_together_and_the_connection_used_again(transport_by: TransportMaker) -> None:
    chunks = CHUNKED + b'3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n'
    with raw_server((chunks, answer(b"2"))) as server:
        transport = transport_by(server.connect)

        assert [ask(transport).body for _ in range(2)] == [b'{"a":1}', b"2"]


def test_continue_before_the_answer_is_passed_over(transport_by: TransportMaker) -> None:
    with raw_server((b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"1"), answer(b"2"))) as server:
        transport = transport_by(server.connect)

        assert [ask(transport).body for _ in range(2)] == [b"1", b"2"]


def test_second_continue_is_no_answer_to_wait_for(transport_by: TransportMaker) -> None:
    again = b"HTTP/1.1 100 Continue\r\n\r\n" * 2
    with raw_server((again,), (answer(b"2"),)) as server:
        transport = transport_by(server.connect)

        assert [ask(transport).body for _ in range(2)] == [b"", b"2"]


@pytest.mark.parametrize("status", [204, 304])
def test_answer_that_has_no_body_ends_with_its_head(transport_by: TransportMaker, status: int) -> None:
    head = b"HTTP/1.1 %d -\r\ncontent-length: 7\r\n\r\n" % status
    with raw_server((head, answer(b"2"))) as server:
        transport = transport_by(server.connect)

        assert [ask(transport).body for _ in range(2)] == [b"", b"2"]


def test_answer_longer_than_all_of_awss_is_a_lost_connection(transport_by: TransportMaker) -> None:
    long = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(MAX_ANSWER_BYTES)
    with raw_server((long,), (answer(b"2"),)) as server:
        transport = transport_by(server.connect)

        assert failure_of(transport) == "ConnectionClosedError"
        assert ask(transport).body == b"2"


def test_answer_before_the_final_one_ends_the_connection(
    transport_by: TransportMaker,
) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    with raw_server((early, answer(b"of the first")), (answer(b"of the second"),)) as server:
        transport = transport_by(server.connect)

        assert [ask(transport).body for _ in range(2)] == [b"", b"of the second"]


@pytest.mark.parametrize(
    "last",
    [
        answer(b"{}", connection="close"),
        answer(b"{}", connection="Keep-Alive, Close"),
        answer(b"{}", 503),
        answer(b"{}").replace(b"HTTP/1.1", b"HTTP/1.0"),
        answer(b"{}") + b"more than the answer",
    ],
)
def test_connection_that_may_not_stay_open_is_not_used_again(transport_by: TransportMaker, last: bytes) -> None:
    with raw_server((last, answer(b"of the closed one")), (answer(b"2"),)) as server:
        transport = transport_by(server.connect)

        assert [ask(transport).body for _ in range(2)] == [b"{}", b"2"]


def test_answer_of_unknown_length_ends_with_its_connection(transport_by: TransportMaker) -> None:
    with raw_server((b"HTTP/1.1 200 OK\r\n\r\n{}",), (answer(b"2"),)) as server:
        transport = transport_by(server.connect)

        assert [ask(transport).body for _ in range(2)] == [b"{}", b"2"]


def test_stale_connection_is_seen_before_it_is_used(transport_by: TransportMaker) -> None:
    with raw_server((answer(b"1"),), (answer(b"2"),)) as server:
        transport = transport_by(server.connect)
        ask(transport)
        server.wait_until_closed(0)

        assert ask(transport).body == b"2"
    assert [len(requests) for requests in server.requests] == [1, 1]


def test_connection_on_which_something_came_unasked_is_not_used_again(transport_by: TransportMaker) -> None:
    with raw_server((answer(b"1"), answer(b"of nobody")), (answer(b"2"),)) as server:
        transport = transport_by(server.connect)
        ask(transport)
        server.connections[0].sendall(answer(b"timed out", 408))

        assert ask(transport).body == b"2"


def test_failure_takes_the_idle_connections_to_its_host_along(transport_by: TransportMaker) -> None:
    """A process that slept holds connections that only look alive; a second try must not take the next of them."""
    pairs = [socket.socketpair() for _ in range(3)]
    for number, (_, server) in enumerate(pairs):
        server.sendall(answer(b"%d" % number))
    opened = iter(pairs)

    def connect(_: str) -> socket.socket:
        client = next(opened)[0]
        if client is pairs[0][0]:
            # Another request, made while the first one has no connection yet, opens one of its own.
            assert ask(transport).body == b"1"
        return client

    transport = transport_by(connect, IMPATIENCE_S)
    assert ask(transport).body == b"0"
    assert failure_of(transport) == "ReadTimeoutError"

    assert ask(transport).body == b"2"
    for _, server in pairs:
        server.close()


def test_idle_connections_are_bounded(transport_by: TransportMaker) -> None:
    pairs = [socket.socketpair() for _ in range(MAX_IDLE + 1)]
    for _, server in pairs:
        server.sendall(answer(b"{}"))
    opened = iter(pairs)

    def connect(_: str) -> socket.socket:
        client = next(opened)[0]
        if client is not pairs[-1][0]:
            # Another request, made while this one has no connection yet, opens one of its own.
            ask(transport)
        return client

    transport = transport_by(connect)
    ask(transport)

    assert sum(client.fileno() < 0 for client, _ in pairs) == 1
    for _, server in pairs:
        server.close()


class Deciphered(socket.socket):
    """A connection by TLS that holds deciphered bytes which nobody has read."""

    def pending(self) -> int:
        return 1


def test_connection_that_holds_what_nobody_read_is_not_used_again(transport_by: TransportMaker) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    for number, (_, server) in enumerate(pairs):
        server.sendall(answer(b"%d" % number))
    opened = iter(Deciphered(fileno=client.detach()) for client, _ in pairs)
    transport = transport_by(lambda _: next(opened))

    assert [ask(transport).body for _ in range(2)] == [b"0", b"1"]
    for _, server in pairs:
        server.close()


@pytest.mark.parametrize(
    "cut",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}",
        CHUNKED + b"9\r\n{}",
        CHUNKED + b"2\r\n{}\r\n",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 101 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 140_000,
        b"HTTP/2 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 2000 OK\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\ncontent-length: 2\n\n{}\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n folded\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nno header\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} ",
        *(
            b"HTTP/1.1 200 OK\r\ncontent-length: %b\r\n\r\n{}" % length
            for length in (b"", b"+2", b"-2", b"2_0", b"0x2")
        ),
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        *(CHUNKED + size + b"\r\n{}\r\n0\r\n\r\n" for size in (b"", b"-2", b"+2", b"0x2", b"2 2")),
        CHUNKED + b"2\r\n{}0\r\n\r\n",
        CHUNKED + b"2\r\n{}\r\n0\r\ntrailer: cut\r\n",
    ],
    ids=lambda cut: cut[:80],
)
def test_cut_or_broken_answer_is_a_lost_connection(transport_by: TransportMaker, cut: bytes) -> None:
    with raw_server((cut,), (answer(b"2"),)) as server:
        transport = transport_by(server.connect)

        assert failure_of(transport) == "ConnectionClosedError"
        assert ask(transport).body == b"2"


def test_answer_that_does_not_come_is_a_read_timeout_and_closes_the_connection(transport_by: TransportMaker) -> None:
    with raw_server((SILENCE,)) as server:
        assert failure_of(transport_by(server.connect, IMPATIENCE_S)) == "ReadTimeoutError"
        server.wait_until_closed(0)


def test_silence_is_borne_as_long_as_the_transport_says(transport_by: TransportMaker) -> None:
    client, server = socket.socketpair()
    with server:
        server.sendall(answer(b"1"))
        client.settimeout(PATIENCE_S)
        ask(transport_by(lambda _: client, IMPATIENCE_S))

    assert client.gettimeout() == IMPATIENCE_S


def test_connection_that_takes_too_long_is_a_connect_timeout(transport_by: TransportMaker) -> None:
    assert failure_of(transport_by(raising(TimeoutError()))) == "ConnectTimeoutError"


@pytest.mark.parametrize("error", [ConnectionRefusedError(), socket.gaierror(), ssl.SSLError()])
def test_connection_that_fails_says_of_what(transport_by: TransportMaker, error: OSError) -> None:
    assert failure_of(transport_by(raising(error))) == f"EndpointConnectionError, {type(error).__name__}"


def test_requests_on_many_threads_get_each_its_own_answer(transport_by: TransportMaker) -> None:
    with echo_server() as port:
        transport = transport_by(lambda _: socket.create_connection(("127.0.0.1", port)))

        def ask_often(number: int) -> bool:
            bodies = [b"%d-%d" % (number, turn) for turn in range(20)]
            return [ask(transport, body).body for body in bodies] == bodies

        assert all(at_once(8, ask_often))


def tls_to(port: int, authority: trustme.CA | None) -> Callable[[str], socket.socket]:
    """Connect by TLS, where one authority is known, or the system's alone."""
    context = None
    if authority:
        context = ssl.create_default_context()
        authority.configure_trust(context)
    return partial(connect_by_tls, timeout_s=PATIENCE_S, port=port, context=context)


@contextmanager
def tls_server(authority: trustme.CA, host: str) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    with echo_server(context) as port:
        yield port


def test_certificate_of_the_host_is_accepted_and_its_connection_used_again(transport_by: TransportMaker) -> None:
    authority = trustme.CA()
    with tls_server(authority, "localhost") as port:
        connect, opened = tls_to(port, authority), []

        def counted(host: str) -> socket.socket:
            opened.append(host)
            return connect(host)

        transport = transport_by(counted)

        assert [ask(transport, body).body for body in (b"1", b"2", b"3")] == [b"1", b"2", b"3"]
    assert opened == [HOST]


def test_certificate_is_held_to_the_host_that_was_asked_for() -> None:
    authority = trustme.CA()
    with tls_server(authority, "127.0.0.1") as port:
        with tls_to(port, authority)("127.0.0.1"):
            pass
        with pytest.raises(ssl.SSLCertVerificationError):
            tls_to(port, authority)("localhost")


@pytest.mark.parametrize(("host", "is_known"), [("elsewhere.example", True), ("localhost", False)])
def test_certificate_of_another_host_or_authority_is_refused(
    transport_by: TransportMaker, host: str, is_known: bool
) -> None:
    authority = trustme.CA()
    with (
        tls_server(authority, host) as port,
        pytest.raises(AwsUnreachable, match="EndpointConnectionError, SSLCertVerificationError"),
    ):
        ask(transport_by(tls_to(port, authority if is_known else None)))
