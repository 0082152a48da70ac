"""Suspicious-IP throttling: one address, many accounts (docs/adr/0014), through HTTP."""

import itertools
from typing import Any

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock, Hashes
from tests.support.http import Http, visible_parts
from tests.support.people import PeopleMaker
from tests.support.stages import change_protection, client_of

RATE_S = 864
THROTTLED = {
    "error": "too_many_attempts",
    "error_description": "We have detected suspicious login behavior and further attempts will be blocked.",
}
# As the default, with fewer guesses to make.
FIVE: dict[str, object] = {"max_attempts": 5}
_numbers = itertools.count(1)


def spray(http: Http, times: int) -> list[int]:
    """Guess once at each of so many people."""
    return [http.login(username=f"nobody {next(_numbers)}", password="guess").status_code for _ in range(times)]


def test_two_hundred_people_with_one_guess_each_are_a_hundred_guesses(
    http: Http, people: PeopleMaker, hashes: Hashes
) -> None:
    user = people.make()
    hashes.count = 0

    assert spray(http, 200) == [400] * 100 + [429] * 100
    assert hashes.count == 100
    response = http.login(username=user.username)
    assert (response.status_code, response.json()) == (429, THROTTLED)
    assert http.log[-1]["event"] == "limit_mu"


def test_throttled_address_has_one_more_guess_for_each_rate_that_passed(http: Http, clock: Clock) -> None:
    clock.now = int(clock.now)
    spray(http, 100)
    response = http.login()

    assert response.headers["Retry-After"] == str(RATE_S)
    assert response.headers["X-RateLimit-Limit"] == "100"
    assert response.headers["X-RateLimit-Remaining"] == "0"
    assert response.headers["X-RateLimit-Reset"] == str(int(clock()) + RATE_S)
    clock.advance(RATE_S - 1)
    assert http.login().headers["Retry-After"] == "1"
    clock.advance(1)
    assert spray(http, 2) == [400, 429]
    clock.advance(3 * RATE_S)
    assert spray(http, 4) == [400, 400, 400, 429]


def test_attempts_while_throttled_do_not_extend_it(http: Http, stage: Stage, clock: Clock) -> None:
    with change_protection(stage, suspicious_ip_throttling=FIVE):
        spray(http, 8)
        clock.advance(RATE_S)

        assert spray(http, 1) == [400]


def test_day_later_the_whole_allowance_is_back(http: Http, stage: Stage, clock: Clock) -> None:
    with change_protection(stage, suspicious_ip_throttling=FIVE):
        spray(http, 5)
        clock.advance(5 * RATE_S)

        assert spray(http, 6) == [400] * 5 + [429]


def test_slow_guesses_never_pass_the_allowance(http: Http, stage: Stage, clock: Clock) -> None:
    with change_protection(stage, suspicious_ip_throttling=FIVE):
        for _ in range(5):
            assert spray(http, 1) == [400]
            clock.advance(1)

        assert spray(http, 1) == [429]


def test_right_logins_fill_nothing_and_empty_nothing(http: Http, stage: Stage, people: PeopleMaker) -> None:
    with change_protection(stage, suspicious_ip_throttling=FIVE):
        user = people.make()
        spray(http, 4)
        assert {http.login(username=user.username).status_code for _ in range(10)} == {200}

        assert spray(http, 2) == [400, 429]


@pytest.mark.parametrize("is_known", [False, True], ids=["read", "known"])
def test_throttled_address_learns_nothing_of_who_exists(
    http: Http, people: PeopleMaker, stage: Stage, externals: wiring.Externals, is_known: bool
) -> None:
    with change_protection(stage, suspicious_ip_throttling=FIVE):
        user = people.make()
        spray(http, 5)
        answers = []
        for username in (user.username, "nobody at all"):
            with client_of(stage, externals) as process:
                process.source_ip = http.source_ip
                # The first refusal reads the configuration too.
                process.at("192.0.2.99").login()
                for _ in range(4 if is_known else 0):
                    process.login(username=username)
            with calls_of(stage) as calls:
                response = process.login(username=username)
            answers.append((visible_parts(response), calls.made))

        assert answers[0] == answers[1]
        assert answers[0][1] == ([] if is_known else ["BatchGetItem"])


def test_addresses_of_one_ipv6_network_are_one(http: Http, stage: Stage, people: PeopleMaker) -> None:
    with change_protection(stage, suspicious_ip_throttling=FIVE):
        user, number = people.make(), next(_numbers)
        for host in range(5):
            http.source_ip = f"2001:db8:{number:x}:7:{host:x}::1"
            assert spray(http, 1) == [400]

        http.source_ip = f"2001:db8:{number:x}:7::ffff"
        assert spray(http, 1) == [429]
        http.source_ip = f"2001:db8:{number:x}:8::ffff"
        assert http.login(username=user.username).status_code == 200


def test_guesses_at_one_person_from_one_ipv6_network_have_one_allowance(http: Http, people: PeopleMaker) -> None:
    user, number = people.make(), next(_numbers)
    statuses = []
    for host in range(11):
        http.source_ip = f"2001:db8:{number:x}:9:{host:x}::1"
        statuses.append(http.login(username=user.username, password="wrong").status_code)

    assert statuses == [400] * 10 + [429]


def test_ipv4_address_that_is_written_as_ipv6_is_the_same(http: Http, people: PeopleMaker) -> None:
    user, ipv4 = people.make(), http.source_ip
    for turn in range(10):
        http.source_ip = ipv4 if turn % 2 else f"::ffff:{ipv4}"
        http.login(username=user.username, password="wrong")

    assert http.login(username=user.username).status_code == 429
    assert http.log[-1]["source_ip"] == ipv4


@pytest.mark.parametrize("listed", ["{address}", "10.0.0.0/8"], ids=["address", "network"])
def test_address_on_the_list_is_not_throttled_and_still_counts_for_each_person(
    http: Http, people: PeopleMaker, stage: Stage, listed: str
) -> None:
    user = people.make()
    allowlist = [listed.format(address=http.source_ip)]
    with change_protection(stage, suspicious_ip_throttling={"allowlist": allowlist, "max_attempts": 5}):
        assert spray(http, 20) == [400] * 20
        for _ in range(10):
            http.login(username=user.username, password="wrong")
        assert http.login(username=user.username).status_code == 429
        assert http.log[-1]["event"] == "limit_wc"


def test_address_on_the_brute_force_list_is_throttled_all_the_same(
    http: Http, people: PeopleMaker, stage: Stage
) -> None:
    user = people.make()
    sections: dict[str, dict[str, object]] = {
        "brute_force_protection": {"allowlist": [http.source_ip]},
        "suspicious_ip_throttling": {"max_attempts": 20},
    }
    with change_protection(stage, **sections):
        statuses = [http.login(username=user.username, password="wrong").status_code for _ in range(21)]
        assert statuses == [400] * 20 + [429]
        assert http.log[-1]["event"] == "limit_mu"


def test_throttling_can_be_off(http: Http, stage: Stage) -> None:
    with change_protection(stage, suspicious_ip_throttling={"enabled": False, "max_attempts": 2}):
        assert spray(http, 10) == [400] * 10


def test_allowance_and_rate_are_the_tenants(http: Http, stage: Stage, clock: Clock) -> None:
    with change_protection(stage, suspicious_ip_throttling={"max_attempts": 2, "rate": 1500}):
        clock.now = int(clock.now)
        assert spray(http, 3) == [400, 400, 429]
        assert http.login().headers["Retry-After"] == "2"
        clock.advance(1.5)
        assert spray(http, 2) == [400, 429]


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "\x00"},
        {"password": None},
        {"scope": None, "audience": "https://nobody.example"},
        {"username": " "},
    ],
    ids=["control-character", "no-password", "unknown-audience", "blank"],
)
def test_malformed_requests_do_not_count(http: Http, stage: Stage, changes: dict[str, Any]) -> None:
    with change_protection(stage, suspicious_ip_throttling={"max_attempts": 2}):
        assert {http.login(**changes).status_code for _ in range(5)} == {400}
        assert spray(http, 3) == [400, 400, 429]


def test_refusals_of_a_blocked_account_do_not_count_for_the_address(
    http: Http, people: PeopleMaker, stage: Stage
) -> None:
    user = people.make()
    with change_protection(stage, suspicious_ip_throttling={"max_attempts": 11}):
        for _ in range(20):
            http.login(username=user.username, password="wrong")
        assert spray(http, 2) == [400, 429]


def test_failure_that_cannot_be_counted_is_no_answer(http: Http, stage: Stage) -> None:
    about = '"sk": {"S": "logins"}'
    with failing(stage, "UpdateItem", aws_error("InternalServerError"), about=about):
        assert spray(http, 1) == [503]


def test_address_that_is_none_is_counted_as_text_and_stands_on_no_list(http: Http, stage: Stage) -> None:
    http.source_ip = "test-invoke-source-ip"
    with change_protection(
        stage,
        suspicious_ip_throttling={"allowlist": ["0.0.0.0/0", "::/0"], "max_attempts": 3},
        brute_force_protection={"allowlist": ["0.0.0.0/0", "::/0"]},
    ):
        assert spray(http, 4) == [400] * 3 + [429]
