"""The hosts that a request for a page of a local run may name: a foreign name may lead here (DNS rebinding)."""

import pytest

from infra.gateway.hosts import ServedHosts, is_loopback

LOCAL = ServedHosts("127.0.0.1", ("http://127.0.0.1:8000/", "http://gatehouse.test:9000/"))
OPEN = ServedHosts("0.0.0.0", ("http://127.0.0.1:8000/",))  # noqa: S104 (it is compared, not bound)


@pytest.mark.parametrize(
    "header", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST:8000", "[::1]:8000", "gatehouse.test:9000"]
)
def test_name_of_what_is_served_is_taken(header: str) -> None:
    assert LOCAL.has(header)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example:8000",
        "localhost.evil.example:8000",
        "127.0.0.1:8001",
        "127.0.0.1",
        "10.0.0.5:8000",
        "gatehouse.test:8000",
        "gatehouse.test",
        "evil@127.0.0.1:x",
        "127.0.0.1:99999",
        "[::1",
    ],
)
def test_other_name_is_refused(header: str) -> None:
    assert not LOCAL.has(header)


def test_open_run_is_reached_by_each_address_of_the_machine_and_by_no_name() -> None:
    assert OPEN.has("192.168.1.5:8000")
    assert OPEN.has("[fe80::1]:8000")
    assert not OPEN.has("evil.example:8000")
    assert not OPEN.has("192.168.1.5:8001")


@pytest.mark.parametrize(
    ("header", "scheme"), [("127.0.0.1", "http"), ("127.0.0.1", "https"), ("127.0.0.1:443", "https")]
)
def test_port_of_the_scheme_may_be_left_out(header: str, scheme: str) -> None:
    port = {"http": 80, "https": 443}[scheme]

    assert ServedHosts("127.0.0.1", (f"{scheme}://127.0.0.1:{port}/",)).has(header)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *((host, True) for host in ("127.0.0.1", "localhost", "::1", "[::1]", "127.9.9.9")),
        *((host, False) for host in ("0.0.0.0", "::", "192.168.1.5", "box.local", "")),  # noqa: S104 (compared)
    ],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
