"""Suspicious-IP throttling of an attacker with many networks: a /48, or those of one IPv4 address. Through HTTP."""

import itertools
from collections.abc import Iterator

import pytest

from infra.stage.aws import Stage
from tests.support.calls import rounds_of
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.stages import change_protection

RATE_S = 864
# Of a /48, where an address may fail twice.
WIDE_SIZE = 32
_numbers = itertools.count(1)


@pytest.fixture
def route() -> str:
    """The beginning of a /48 that no other test has."""
    return f"2001:db8:{next(_numbers) + 0x4800:x}"


@pytest.fixture(autouse=True)
def two(stage: Stage) -> Iterator[None]:
    """Let each address fail twice."""
    with change_protection(stage, suspicious_ip_throttling={"max_attempts": 2}):
        yield


def guess(http: Http, address: str) -> int:
    http.source_ip = address
    return http.login(username=f"nobody of wide {next(_numbers)}", password="a guess").status_code


def test_48_has_sixteen_times_an_addresss_bounds(http: Http, route: str, clock: Clock) -> None:
    clock.now = int(clock.now)
    fresh = (f"{route}:{subnet:x}::1" for subnet in itertools.count(1))

    assert [guess(http, next(fresh)) for _ in range(WIDE_SIZE + 1)] == [400] * WIDE_SIZE + [429]
    assert http.log[-1]["event"] == "limit_mu"
    response = http.login()
    assert response.headers["Retry-After"] == str(RATE_S // 16)
    assert response.headers["X-RateLimit-Limit"] == str(WIDE_SIZE)
    clock.advance(RATE_S / 16)
    assert [guess(http, next(fresh)) for _ in range(2)] == [400, 429]


def test_each_64_of_it_has_an_addresss_bounds(http: Http, route: str) -> None:
    assert [guess(http, f"{route}:1:{host}::1") for host in range(3)] == [400, 400, 429]
    assert guess(http, f"{route}:2::1") == 400


def test_full_48_refuses_nobody_outside_of_it(http: Http, people: PeopleMaker, route: str) -> None:
    user = people.make()
    for subnet in range(WIDE_SIZE):
        assert guess(http, f"{route}:{subnet:x}::1") == 400
    http.source_ip = f"{route}:ffff::1"
    assert http.login(username=user.username, password=PASSWORD).status_code == 429

    http.source_ip = f"2001:db8:{next(_numbers) + 0x5800:x}::1"
    assert http.login(username=user.username, password=PASSWORD).status_code == 200


@pytest.mark.parametrize("listed", ["{route}:7::/64", "{route}::/48"], ids=["64", "48"])
def test_address_on_the_list_fills_and_meets_neither_bucket(http: Http, route: str, stage: Stage, listed: str) -> None:
    allowlist = [listed.format(route=route)]
    with change_protection(stage, suspicious_ip_throttling={"max_attempts": 2, "allowlist": allowlist}):
        assert {guess(http, f"{route}:7::1") for _ in range(WIDE_SIZE + 2)} == {400}
        statuses = [guess(http, f"{route}:8::1") for _ in range(3)]
        assert statuses == ([400, 400, 429] if listed.endswith("/64") else [400] * 3)


@pytest.mark.parametrize(
    "form",
    ["2002:{high}:{low}:{subnet:x}::1", "2001:0:4136:e378:0:{subnet:x}:{hidden}", "64:ff9b::{high}:{low}"],
    ids=["6to4", "teredo", "nat64"],
)
def test_ways_to_write_one_ipv4_address_have_its_allowance(http: Http, form: str) -> None:
    number = 0x6464_0000 + next(_numbers)
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    hidden = f"{(number >> 16) ^ 0xFFFF:x}:{(number & 0xFFFF) ^ 0xFFFF:x}"
    written = [form.format(high=high, low=low, hidden=hidden, subnet=subnet) for subnet in range(1, 4)]

    assert [guess(http, address) for address in written] == [400, 400, 429]
    assert guess(http, f"100.100.{number >> 8 & 255}.{number & 255}") == 429


def test_guesses_at_one_person_from_one_6to4_network_have_one_allowance(
    http: Http, people: PeopleMaker, stage: Stage
) -> None:
    user, statuses = people.make(), []
    with change_protection(stage, suspicious_ip_throttling={"max_attempts": 100}):
        for subnet in range(11):
            http.source_ip = f"2002:6465:1:{subnet:x}::1"
            statuses.append(http.login(username=user.username, password="wrong").status_code)

    assert statuses == [400] * 10 + [429]


def test_ipv6_login_makes_no_call_more_and_a_failure_one_in_the_same_rounds(
    http: Http, route: str, stage: Stage
) -> None:
    http.source_ip = f"{route}::1"
    assert http.login().status_code == 200
    with rounds_of(stage) as right:
        assert http.login().status_code == 200
    with rounds_of(stage) as wrong:
        assert http.login(password="wrong").status_code == 400
    with rounds_of(stage) as unknown:
        assert http.login(username="nobody at all").status_code == 400

    assert right.rounds == [{"BatchGetItem"}, {"GetItem", "UpdateItem"}, {"Sign", "UpdateItem"}]
    assert len(right.made) == 5
    assert wrong.rounds == unknown.rounds == [{"BatchGetItem"}, {"GetItem", "UpdateItem"}, {"UpdateItem"}]
    assert len(wrong.made) == len(unknown.made) == 6
