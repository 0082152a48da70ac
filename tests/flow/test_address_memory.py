"""A process remembers what it saw of an address's buckets (docs/adr/0031), through HTTP."""

import itertools
from collections import Counter
from collections.abc import Callable

import pytest

from chalicelib import wiring
from chalicelib.settings import Settings
from chalicelib.store.buckets import LOGINS, BucketStore
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.fixed import BCRYPT_COST, ISSUER, Clock
from tests.support.http import BACKEND, Http
from tests.support.stages import change_protection
from tests.support.threads import at_once

RATE_S = 864
MEMORY_S = 10
LOOKS = 3
THREADS = 20
TEN: dict[str, object] = {"max_attempts": 10}
_numbers = itertools.count(1)


def guess(http: Http) -> int:
    return http.login(username=f"nobody in memory {next(_numbers)}", password="a guess").status_code


def reads_address(http: Http, stage: Stage, request: Callable[[Http], object]) -> bool:
    """Return whether a request of the client reads an item of its address."""
    with calls_of(stage) as calls:
        request(http)
    reads = [parameters for name, parameters in calls.parameters if name in ("BatchGetItem", "GetItem")]
    return f"'pk': {{'S': 'address#{http.source_ip}'}}" in str(reads)


def login(http: Http) -> int:
    return http.login().status_code


def challenge(http: Http) -> int:
    return http.post("/mfa/challenge", json={**BACKEND, "mfa_token": "none"}).status_code


@pytest.fixture
def second(http: Http, stage: Stage, externals: wiring.Externals) -> Http:
    """A second process, and the same address."""
    services = wiring.build(Settings(stage.name, ISSUER, BCRYPT_COST), stage.aws, externals)
    return Http(lambda: services, http.source_ip)


@pytest.mark.parametrize("request_of", [login, challenge], ids=["login", "second-factor"])
@pytest.mark.parametrize("listed", [False, True], ids=["off", "allowlisted"])
def test_address_that_is_not_guarded_is_not_read(
    http: Http, stage: Stage, request_of: Callable[[Http], int], listed: bool
) -> None:
    section: dict[str, object] = {"allowlist": [http.source_ip]} if listed else {"enabled": False}
    with change_protection(stage, suspicious_ip_throttling=section):
        assert not reads_address(http, stage, request_of)


@pytest.mark.parametrize("request_of", [login, challenge], ids=["login", "second-factor"])
def test_address_in_good_standing_is_read_once_in_ten_seconds(
    http: Http, stage: Stage, clock: Clock, request_of: Callable[[Http], int]
) -> None:
    assert reads_address(http, stage, request_of)
    clock.advance(MEMORY_S - 0.1)
    assert not reads_address(http, stage, request_of)
    clock.advance(0.2)
    assert reads_address(http, stage, request_of)
    assert not reads_address(http, stage, request_of)


def test_ipv6_address_in_good_standing_is_not_read_either(http: Http, stage: Stage) -> None:
    http.source_ip = "2001:db8:3131:1::1"
    assert login(http) == 200
    with calls_of(stage) as calls:
        assert login(http) == 200

    assert "2001:db8:3131" not in str([one for name, one in calls.parameters if name == "BatchGetItem"])


def test_address_that_is_more_than_half_full_is_read_each_time(http: Http, stage: Stage) -> None:
    with change_protection(stage, suspicious_ip_throttling=TEN):
        assert [guess(http) for _ in range(5)] == [400] * 5
        assert not reads_address(http, stage, login)
        assert guess(http) == 400

        assert reads_address(http, stage, login)
        assert reads_address(http, stage, login)


def test_guesses_by_turns_in_two_processes_have_one_allowance(http: Http, second: Http, stage: Stage) -> None:
    with change_protection(stage, suspicious_ip_throttling=TEN):
        statuses = [guess(process) for _ in range(6) for process in (http, second)]

        assert statuses == [400] * 10 + [429] * 2


def test_process_that_remembers_good_standing_has_one_failure_more_and_it_is_paid(
    http: Http, second: Http, stage: Stage, clock: Clock
) -> None:
    clock.now = int(clock.now)
    with change_protection(stage, suspicious_ip_throttling=TEN):
        assert login(second) == 200
        assert [guess(http) for _ in range(11)] == [400] * 10 + [429]

        assert [guess(second) for _ in range(3)] == [400, 429, 429]
        assert second.login().headers["Retry-After"] == str(2 * RATE_S)
        clock.advance(2 * RATE_S - 1)
        assert guess(http) == guess(second) == 429
        clock.advance(1)
        assert [guess(http), guess(second)] == [400, 429]


def test_burst_from_two_processes_that_remember_good_standing_is_paid_with_one_rate_for_each_guess(
    http: Http, second: Http, stage: Stage, clock: Clock
) -> None:
    clock.now = int(clock.now)
    with change_protection(stage, suspicious_ip_throttling=TEN):
        assert login(http) == login(second) == 200
        statuses = Counter(at_once(THREADS, lambda one: guess((http, second)[one % 2].at(http.source_ip))))
        past_the_limit = statuses[400] - 10
        clock.advance(MEMORY_S)

        assert statuses.keys() <= {400, 429}
        assert http.login().headers["Retry-After"] == str((past_the_limit + 1) * RATE_S - MEMORY_S)


@pytest.mark.parametrize("request_of", [login, challenge], ids=["login", "second-factor"])
def test_full_address_is_read_three_times_and_then_once_a_second(
    http: Http, stage: Stage, clock: Clock, request_of: Callable[[Http], int]
) -> None:
    clock.now = int(clock.now)
    with change_protection(stage, suspicious_ip_throttling=TEN):
        assert [guess(http) for _ in range(10)] == [400] * 10
        for looks in (LOOKS, 1, 1):
            calls_made = []
            for _ in range(LOOKS + 1):
                with calls_of(stage) as calls:
                    assert request_of(http) == 429
                calls_made.append(len(calls.made))
            assert calls_made == [1] * looks + [0] * (LOOKS + 1 - looks)
            clock.advance(1)

    assert http.log[-1]["event"] == "limit_mu"


def test_full_address_is_told_a_time_that_falls(http: Http, stage: Stage, clock: Clock) -> None:
    clock.now = int(clock.now)
    with change_protection(stage, suspicious_ip_throttling=TEN):
        assert [guess(http) for _ in range(10)] == [400] * 10
        told = []
        for _ in range(4):
            told.append(int(http.login().headers["Retry-After"]))
            clock.advance(0.5)

    assert told == [RATE_S, RATE_S, RATE_S - 1, RATE_S - 1]


@pytest.mark.parametrize(("refusals", "is_at_once"), [(1, True), (20, False)], ids=["calm", "under-attack"])
def test_unblocked_address_is_let_in_within_a_second(
    http: Http, stage: Stage, clock: Clock, refusals: int, is_at_once: bool
) -> None:
    with change_protection(stage, suspicious_ip_throttling=TEN):
        assert [guess(http) for _ in range(10 + refusals)] == [400] * 10 + [429] * refusals
        BucketStore(stage.dynamo, f"{stage.prefix}attempts", LOGINS).clear(http.source_ip)

        assert login(http) == (200 if is_at_once else 429)
        clock.advance(1)
        assert [login(http) for _ in range(3)] == [200] * 3


def test_full_48_refuses_its_other_64s_without_a_call(http: Http, stage: Stage) -> None:
    with change_protection(stage, suspicious_ip_throttling={"max_attempts": 1}):
        for subnet in range(16):
            http.source_ip = f"2001:db8:3132:{subnet:x}::1"
            assert guess(http) == 400
        http.source_ip = "2001:db8:3132:ffff::1"
        assert [guess(http) for _ in range(LOOKS)] == [429] * LOOKS
        with calls_of(stage) as calls:
            assert guess(http) == 429

    assert calls.made == []
