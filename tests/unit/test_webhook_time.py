"""The time that a webhook's receiver has, however it spends it."""

import socket
import threading
from collections.abc import Callable
from http.client import HTTPConnection

import pytest

from chalicelib.store.logs import sinks
from chalicelib.store.logs.sinks import SinkFailure, Webhook
from tests.support.fixed import Clock

EVENTS = [{"log_id": "1", "data": {"type": "fp"}}]
LIMIT_S, PAUSE_S = 0.2, 0.02


@pytest.fixture
def send_by(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Callable[[Callable[..., HTTPConnection]], None]:
    """Return what posts an event over a connection, within LIMIT_S."""
    monkeypatch.setattr(sinks, "TIMEOUT_S", LIMIT_S)
    return lambda connect: Webhook("https://siem.example.com/", "secret", clock, connect).send(EVENTS)


def connection_to(ours: socket.socket) -> Callable[..., HTTPConnection]:
    connection = HTTPConnection("siem.example.com")
    ours.settimeout(LIMIT_S)
    connection.sock = ours
    return lambda *_: connection


def dribble(theirs: socket.socket) -> None:
    """Answer 200, a byte now and then: each comes within the time of one operation, and all of them do not."""
    pause = threading.Event()
    with theirs:
        for byte in b"HTTP/1.1 200 OK\r\nX: 1\r\n\r\n":
            pause.wait(PAUSE_S)
            try:
                theirs.sendall(bytes([byte]))
            except OSError:
                return


def test_receiver_that_dribbles_its_answer_has_not_taken_the_events(
    send_by: Callable[[Callable[..., HTTPConnection]], None],
) -> None:
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=dribble, args=[theirs])
    thread.start()
    with pytest.raises(SinkFailure, match="OutOfTime"):
        send_by(connection_to(ours))
    thread.join()

    # The thread that was left behind has given the connection up.
    assert ours.fileno() == -1


def test_name_that_is_looked_up_for_too_long_holds_nothing(
    send_by: Callable[[Callable[..., HTTPConnection]], None],
) -> None:
    found = threading.Event()

    def connect(*_: object) -> HTTPConnection:
        found.wait(10)
        raise socket.gaierror

    with pytest.raises(SinkFailure, match="OutOfTime"):
        send_by(connect)
    found.set()


@pytest.mark.parametrize("failure", [socket.gaierror("no such name"), UnicodeError("idna"), ValueError("secret")])
def test_failure_is_told_by_its_name_alone(
    send_by: Callable[[Callable[..., HTTPConnection]], None], failure: Exception
) -> None:
    def connect(*_: object) -> HTTPConnection:
        raise failure

    with pytest.raises(SinkFailure) as told:
        send_by(connect)
    assert str(told.value) == type(failure).__name__
