"""The port and the process around an application: taken, served over TLS, left at a signal."""

import signal
import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest
import trustme

from infra.gateway.app import Gateway, GatewayConfig
from infra.gateway.serving import CannotListen, PortInUse, Tls, listen
from tests.support.limits import WAIT_S
from tests.support.server import serving, start_server


@pytest.fixture
def tls(tmp_path: Path) -> tuple[Tls, ssl.SSLContext]:
    """Return a certificate for localhost, and a client's context that trusts it."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    files = Tls(tmp_path / "chain.pem", tmp_path / "key.pem")
    issued.private_key_pem.write_to_path(str(files.private_key))
    for pem in issued.cert_chain_pems:
        pem.write_to_path(str(files.certificate), append=True)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    return files, trust


def test_tls_serves_https_and_the_event_says_so(tls: tuple[Tls, ssl.SSLContext]) -> None:
    files, trust = tls
    gateway = Gateway(
        lambda event, _: {"statusCode": 200, "body": event["headers"]["X-Forwarded-Proto"]},
        GatewayConfig({"/": ["GET"]}),
    )
    with serving(gateway, files) as port:
        scheme = httpx.get(f"https://localhost:{port}/", verify=trust).text
    assert scheme == "https"


def test_answers_are_sent_without_waiting_for_acknowledgements() -> None:
    # asyncio sets TCP_NODELAY on the connections of a socket that names its protocol, and on no other.
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_taken_port_is_refused_before_anything_starts() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(PortInUse) as refusal:
        listen("127.0.0.1", first.getsockname()[1])
    assert str(refusal.value) == f"Cannot listen on 127.0.0.1 port {refusal.value.port}: another process has it."


def test_address_of_another_machine_is_refused_with_the_reason() -> None:
    with pytest.raises(CannotListen, match=r"^Cannot listen on 192\.0\.2\.1 port 0: .+\.$"):
        listen("192.0.2.1", 0)


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=WAIT_S).close()
    except ConnectionError as failure:
        return isinstance(failure, ConnectionRefusedError)
    return False


def outcome(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Return the exit code and what was printed, once it has ended. Its input stays open: it ends with that too."""
    assert process.stdout
    assert process.stderr
    code = process.wait(WAIT_S)
    return code, process.stdout.read(), process.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_server_cleanly_after_the_request_under_way(number: signal.Signals) -> None:
    with start_server() as process, ThreadPoolExecutor(1) as thread:
        assert process.stdout
        port = int(process.stdout.readline())
        answer = thread.submit(httpx.get, f"http://127.0.0.1:{port}/", timeout=WAIT_S)
        assert process.stdout.readline() == "entered\n"
        process.send_signal(number)
        assert any(refuses(port) for _ in range(100_000))
        assert process.stdin
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert outcome(process) == (0, "stopped\n", "")
    assert answer.result().text == "done"


def test_signal_ends_the_server_although_an_idle_connection_is_kept() -> None:
    with start_server() as process:
        assert process.stdout
        port = int(process.stdout.readline())
        with closing(HTTPConnection("127.0.0.1", port, timeout=WAIT_S)) as connection:
            connection.request("GET", "/nothing")
            assert connection.getresponse().read()
            process.send_signal(signal.SIGTERM)
            assert outcome(process) == (0, "stopped\n", "")
