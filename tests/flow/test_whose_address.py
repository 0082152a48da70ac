"""Whose address counts: API Gateway's, a trusted proxy's word, a trusted client's word. Through HTTP."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.settings import Settings
from infra.stage.aws import Stage
from tests.support.clients import make_client
from tests.support.fixed import BCRYPT_COST, ISSUER
from tests.support.http import BACKEND, PASSWORD_REALM, TIMESHEETS, Http
from tests.support.people import PASSWORD, PeopleMaker

_numbers = itertools.count(1)


def person() -> str:
    """Return an address that no other test has."""
    number = next(_numbers)
    return f"198.18.{number >> 8}.{number & 255}"


@contextmanager
def behind(http: Http, proxies: int, stage: Stage, externals: wiring.Externals) -> Iterator[None]:
    """Serve as a stage with so many trusted proxies in front of it until the block ends."""
    services = wiring.build(Settings(stage.name, ISSUER, BCRYPT_COST, trusted_proxies=proxies), stage.aws, externals)
    before, http.services = http.services, lambda: services
    yield
    http.services = before


def login(http: Http, username: str, password: str = PASSWORD, **headers: Any) -> Any:
    """Log in through demo-backend, which is trusted to say for whom."""
    form = {**BACKEND, "grant_type": "password", "username": username, "password": password}
    return http.token(form, **headers)


def statuses(http: Http, username: str, times: int, **headers: str) -> list[int]:
    return [login(http, username, "wrong", **headers).status_code for _ in range(times)]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-Ip", "True-Client-Ip", "Cf-Connecting-Ip"])
def test_header_that_anybody_can_write_moves_nothing(http: Http, people: PeopleMaker, header: str) -> None:
    user = people.make()
    for _ in range(10):
        assert login(http, user.username, "wrong", **{header: person()}).status_code == 400

    assert login(http, user.username, **{header: person()}).status_code == 429
    assert http.log[-1]["source_ip"] == http.source_ip
    assert "client_ip" not in http.log[-1]


def test_trusted_proxy_says_who_asks(
    http: Http, people: PeopleMaker, stage: Stage, externals: wiring.Externals
) -> None:
    user, attacker, home = people.make(), person(), person()
    with behind(http, 1, stage, externals):
        assert statuses(http, user.username, 10, **{"X-Forwarded-For": attacker}) == [400] * 10
        assert login(http, user.username, **{"X-Forwarded-For": attacker}).status_code == 429
        assert login(http, user.username, **{"X-Forwarded-For": home}).status_code == 200

    assert (http.log[-1]["source_ip"], http.log[-1]["client_ip"]) == (home, http.source_ip)


def test_what_stands_left_of_the_trusted_hops_is_not_believed(
    http: Http, people: PeopleMaker, stage: Stage, externals: wiring.Externals
) -> None:
    user, attacker = people.make(), person()
    with behind(http, 2, stage, externals):
        for _ in range(10):
            header = f"{person()}, {attacker}, 192.0.2.1"
            assert login(http, user.username, "wrong", **{"X-Forwarded-For": header}).status_code == 400
        assert login(http, user.username, **{"X-Forwarded-For": f"{attacker}, 192.0.2.1"}).status_code == 429


# A port, or what is quoted or in brackets, as proxies write it (RFC 7239 6); where the port ends is beyond doubt.
WITH_PORT = [
    ("{v4}:51234", "{v4}"),
    ('"{v4}:51234"', "{v4}"),
    ('"{v4}"', "{v4}"),
    ("[2001:db8:8::9]:443", "2001:db8:8::9"),
    ("[2001:db8:8::9]", "2001:db8:8::9"),
    ('"[2001:db8:8::9]:443"', "2001:db8:8::9"),
    ('"[2001:DB8:8:0::9]"', "2001:db8:8::9"),
    ("[::ffff:198.51.100.7]:1", "198.51.100.7"),
    # No port: an address that ends like one.
    ("2001:db8:8::443", "2001:db8:8::443"),
]
UNREADABLE = [
    "nonsense", "203.0.113.9:", "203.0.113.9:x", "203.0.113.9:70000", "203.0.113.9:-1", "203.0.113.9:80:80",
    "[2001:db8::9", "2001:db8::9]", "[2001:db8::9]443", "[2001:db8::9]:", "[203.0.113.9]:80", "[fe80::1%eth0]:80",
    '"203.0.113.9', "for=203.0.113.9", "_hidden", "unknown", "203.0.113.9:\u0661", "1" * 500,
]  # fmt: skip


@pytest.mark.parametrize(("written", "read"), WITH_PORT)
def test_port_is_cut_from_a_forwarded_address(
    http: Http, stage: Stage, externals: wiring.Externals, written: str, read: str
) -> None:
    home = person()
    written, read = written.format(v4=home), read.format(v4=home)
    assert login(http, "nobody", **{"auth0-forwarded-for": written}).status_code == 400
    assert (http.log[-1]["source_ip"], http.log[-1]["client_ip"]) == (read, http.source_ip)
    assert "warnings" not in http.log[-1]

    with behind(http, 1, stage, externals):
        assert login(http, "nobody", **{"X-Forwarded-For": f"9.9.9.9, {written}"}).status_code == 400
    assert (http.log[-1]["source_ip"], http.log[-1]["client_ip"]) == (read, http.source_ip)
    assert "warnings" not in http.log[-1]


@pytest.mark.parametrize("header", UNREADABLE)
def test_trusted_header_that_is_not_understood_is_a_warning(
    http: Http, people: PeopleMaker, stage: Stage, externals: wiring.Externals, header: str
) -> None:
    user = people.make()
    raw: Any = header.encode()
    assert login(http, user.username, **{"auth0-forwarded-for": raw}).status_code == 200
    assert http.log[-1]["source_ip"] == http.source_ip
    assert http.log[-1]["warnings"] == ["auth0-forwarded-for holds no IP address that can be read; it was ignored"]

    with behind(http, 1, stage, externals):
        assert login(http, user.username, **{"X-Forwarded-For": raw}).status_code == 200
    assert http.log[-1]["source_ip"] == http.source_ip
    assert http.log[-1]["warnings"] == [
        "X-Forwarded-For does not hold the address that the trusted proxies saw; it was ignored"
    ]


def test_header_that_nobody_trusts_is_no_warning(http: Http, people: PeopleMaker, stage: Stage) -> None:
    client_id = make_client(stage, secret="s", is_token_endpoint_ip_header_trusted=False)
    form = {"client_id": client_id, "client_secret": "s", "grant_type": "password", "username": people.make().username}
    headers = {"auth0-forwarded-for": "nonsense", "X-Forwarded-For": "nonsense"}

    assert http.token({**form, "password": PASSWORD}, **headers).status_code == 200
    assert "warnings" not in http.log[-1]


@pytest.mark.parametrize("header", [None, "192.0.2.1", "unknown, 192.0.2.1", ", 192.0.2.1", "1.2.3.4:x, 192.0.2.1"])
def test_header_that_says_less_than_it_should_leaves_the_peer(
    http: Http, people: PeopleMaker, stage: Stage, externals: wiring.Externals, header: str | None
) -> None:
    headers = {} if header is None else {"X-Forwarded-For": header}
    with behind(http, 2, stage, externals):
        assert login(http, people.make().username, **headers).status_code == 200

    assert http.log[-1]["source_ip"] == http.source_ip


def test_trusted_confidential_client_says_for_whom_it_asks(http: Http, people: PeopleMaker) -> None:
    user, attacker, home = people.make(), person(), person()
    forwarded = {"auth0-forwarded-for": attacker}

    assert statuses(http, user.username, 10, **forwarded) == [400] * 10
    assert login(http, user.username, **forwarded).status_code == 429
    assert login(http, user.username, **{"auth0-forwarded-for": home}).status_code == 200
    assert (http.log[-1]["source_ip"], http.log[-1]["client_ip"]) == (home, http.source_ip)
    assert people.of("employees").find(user.user_id).last_ip == home


def test_forwarded_address_is_throttled_and_not_the_clients_own(http: Http) -> None:
    attacker = {"auth0-forwarded-for": person()}
    for _ in range(100):
        login(http, f"nobody {next(_numbers)}", "guess", **attacker)

    assert login(http, "alice", "guess", **attacker).status_code == 429
    assert login(http, "alice", **{"auth0-forwarded-for": person()}).status_code == 200
    assert login(http, "alice").status_code == 200


def test_realm_grant_and_refresh_believe_it_too(http: Http, people: PeopleMaker) -> None:
    user, home = people.make(), person()
    forwarded = {"auth0-forwarded-for": home}
    form = {**BACKEND, "grant_type": PASSWORD_REALM, "realm": "employees", "username": user.username}
    offline = {"password": PASSWORD, "audience": TIMESHEETS, "scope": "offline_access"}
    first = http.token({**form, **offline}, **forwarded)
    token = first.json()["refresh_token"]
    http.token({**BACKEND, "grant_type": "refresh_token", "refresh_token": token}, **forwarded)

    (family,) = people.of("employees").live_families(people.of("employees").find(user.user_id))
    assert (family.created_ip, family.last_used_ip) == (home, home)


@pytest.mark.parametrize(
    "changes",
    [
        {"is_token_endpoint_ip_header_trusted": False},
        {"token_endpoint_auth_method": "none", "secrets": []},
    ],
    ids=["not-trusted", "public"],
)
def test_other_clients_are_not_believed(http: Http, people: PeopleMaker, stage: Stage, changes: dict[str, Any]) -> None:
    user = people.make()
    is_public = "token_endpoint_auth_method" in changes
    client = {"client_id": make_client(stage, secret="s", **changes)} | ({} if is_public else {"client_secret": "s"})
    form = {**client, "grant_type": "password", "username": user.username}
    for _ in range(10):
        assert http.token({**form, "password": "wrong"}, **{"auth0-forwarded-for": person()}).status_code == 400

    assert http.token({**form, "password": PASSWORD}, **{"auth0-forwarded-for": person()}).status_code == 429
    assert http.log[-1]["source_ip"] == http.source_ip


def test_client_that_is_not_proved_is_not_believed(http: Http) -> None:
    for _ in range(50):
        http.token({**BACKEND, "client_secret": "x", "grant_type": "password"}, **{"auth0-forwarded-for": person()})
    response = http.token(
        {**BACKEND, "client_secret": "x", "grant_type": "password"}, **{"auth0-forwarded-for": person()}
    )

    assert response.status_code == 429
    assert http.log[-1]["source_ip"] == http.source_ip


@pytest.mark.parametrize("header", ["", "nonsense", "192.0.2.1, 192.0.2.2", "192.0.2.1:x", "fe80::1%eth0", "1" * 500])
def test_forwarded_value_that_is_not_one_address_is_ignored(http: Http, people: PeopleMaker, header: str) -> None:
    assert login(http, people.make().username, **{"auth0-forwarded-for": header}).status_code == 200
    assert http.log[-1]["source_ip"] == http.source_ip
    assert "client_ip" not in http.log[-1]


def test_forwarded_ipv6_address_counts_by_its_network(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    for host in range(10):
        login(http, user.username, "wrong", **{"auth0-forwarded-for": f"2001:DB8:13:14::{host:x}"})

    assert login(http, user.username, **{"auth0-forwarded-for": "2001:db8:13:14:ffff::1"}).status_code == 429
    assert http.log[-1]["source_ip"] == "2001:db8:13:14:ffff::1"


def test_allowlists_look_at_the_person_and_not_at_who_forwards(http: Http, stage: Stage) -> None:
    # The demo lists 127.0.0.1 for throttling.
    listed = {"auth0-forwarded-for": "127.0.0.1"}
    guesses = [login(http, f"nobody {next(_numbers)}", "guess", **listed).status_code for _ in range(101)]
    assert guesses == [400] * 101


def test_log_has_both_addresses_behind_a_proxy_and_a_client(
    http: Http, people: PeopleMaker, stage: Stage, externals: wiring.Externals
) -> None:
    backend, home = person(), person()
    with behind(http, 1, stage, externals):
        headers = {"X-Forwarded-For": backend, "auth0-forwarded-for": home}
        assert login(http, people.make().username, **headers).status_code == 200

    assert (http.log[-1]["source_ip"], http.log[-1]["client_ip"]) == (home, http.source_ip)
