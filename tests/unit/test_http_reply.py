"""The reader of HTTP answers, held to the standard library's. test_transport.py has answers that are none."""

import socket
from http.client import HTTPResponse

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.store.aws.http_reply import SERVER_ERROR, read_reply

NAMES = st.sampled_from(["x-amz-crc32", "X-Amzn-RequestId", "Date", "via"])
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)


class Trickling(socket.socket):
    """A connection whose bytes come in pieces of at most `most`."""

    most = 1

    def recv(self, size: int, *_: int) -> bytes:
        return super().recv(min(size, self.most))


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Draw an answer, whose body ends in one of three ways."""
    status, headers = draw(st.integers(200, 599)), draw(st.dictionaries(NAMES, VALUES))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
    body, end = draw(st.binary(max_size=300)), draw(st.sampled_from(["length", "chunks", "connection"]))
    head = b"HTTP/1.1 %d -\r\n" % status + lines
    if end == "chunks":
        return head + b"Transfer-Encoding: Chunked\r\n\r\n" + chunks(body, draw(st.integers(1, 50)))
    return head + (b"Content-Length: %d\r\n" % len(body) if end == "length" else b"") + b"\r\n" + body


def chunks(body: bytes, size: int) -> bytes:
    """Return a body in chunks, with an extension each, and a trailer."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%X;name=value\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\ntrailer: x\r\n\r\n"


def receive(answer: bytes) -> Trickling:
    """Return a connection that the answer has come to, and that its peer has closed."""
    client, server = socket.socketpair()
    with server:
        server.sendall(answer)
    return Trickling(fileno=client.detach())


@given(answers(), st.sampled_from([1, 7, 4096]))
def test_answer_is_read_as_the_standard_library_reads_it(answer: bytes, most: int) -> None:
    with receive(answer) as ours, receive(answer) as theirs, HTTPResponse(theirs) as expected:
        ours.most = most
        reply, may_stay_open = read_reply(ours)
        expected.begin()

        assert (reply.status, reply.body) == (expected.status, expected.read())
        assert reply.headers == {name.lower(): value for name, value in expected.headers.items()}
        assert may_stay_open == (not expected.will_close and expected.status < SERVER_ERROR)
