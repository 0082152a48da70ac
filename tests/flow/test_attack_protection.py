"""Guesses at one account from many addresses (docs/adr/0014), through HTTP.

What holds for one address stands in test_brute_force.py, throttling of addresses in test_ip_throttling.py.
"""

import itertools
from collections.abc import Iterator

import httpx
import pytest

from chalicelib.model.user import User
from infra.stage.aws import Stage
from infra.stage.people import People
from tests.support.attempts import failures_in_a_row, leave_failures
from tests.support.calls import calls_of
from tests.support.faults import aws_error, before, failing
from tests.support.fixed import Clock, Hashes
from tests.support.http import Http, visible_parts
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.stages import change_protection

SHARED_ATTEMPT_S = 900
BLOCKED = {
    "error": "too_many_attempts",
    "error_description": "Your account has been blocked after multiple consecutive login attempts.",
}
TIMES = ("retry-after", "x-ratelimit-reset")
_networks = itertools.count(1)


def strangers() -> Iterator[str]:
    """Yield addresses that nobody has used before."""
    number = next(_networks)
    return (f"172.{16 + number % 16}.{number // 16}.{host}" for host in itertools.count(1))


def guess(http: Http, username: str, times: int) -> list[int]:
    """Guess wrongly, ten times from each of as many addresses as it takes; return the statuses."""
    home, addresses = http.source_ip, strangers()
    statuses = []
    for turn in range(times):
        if turn % 10 == 0:
            http.source_ip = next(addresses)
        statuses.append(http.login(username=username, password="wrong").status_code)
    http.source_ip = home
    return statuses


def guessed_at(stage: Stage, user: User, clock: Clock) -> None:
    """Leave an account as a hundred wrong guesses from a hundred addresses do."""
    leave_failures(stage, user, 100, int(clock()))


def from_elsewhere(http: Http, username: str, password: str = PASSWORD) -> httpx.Response:
    """Log in from an address that nobody has used before."""
    home, http.source_ip = http.source_ip, next(strangers())
    response = http.login(username=username, password=password)
    http.source_ip = home
    return response


@pytest.fixture
def guessed(people: PeopleMaker, stage: Stage, clock: Clock) -> User:
    """A person at whose account a hundred guesses failed."""
    user = people.make()
    guessed_at(stage, user, clock)
    return user


@pytest.fixture
def slowed(http: Http, guessed: User) -> User:
    """That person, once a stranger has had the turn of this quarter of an hour."""
    assert from_elsewhere(http, guessed.username, "wrong").status_code == 400
    return guessed


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
def test_hundred_failures_in_a_row_slow_strangers_to_one_attempt_in_a_quarter_of_an_hour(
    http: Http, people: PeopleMaker, hashes: Hashes, clock: Clock, is_known: bool
) -> None:
    username = people.make().username if is_known else "no such person at all"
    clock.now = int(clock.now)

    assert guess(http, username, 100) == [400] * 100
    assert from_elsewhere(http, username, "wrong").status_code == 400
    hashes.count = 0
    refused = from_elsewhere(http, username)
    assert (refused.status_code, refused.json()) == (429, BLOCKED)
    assert refused.headers["Retry-After"] == str(SHARED_ATTEMPT_S)
    clock.advance(SHARED_ATTEMPT_S - 1)
    assert from_elsewhere(http, username).headers["Retry-After"] == "1"
    assert hashes.count == 0
    clock.advance(1)
    assert from_elsewhere(http, username, "wrong").status_code == 400
    assert from_elsewhere(http, username, "wrong").status_code == 429
    assert hashes.count == 1


def test_person_still_gets_in_from_where_they_logged_in_before(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    assert http.login(username=user.username).status_code == 200
    assert guess(http, user.username, 130)[101:] == [429] * 29

    assert from_elsewhere(http, user.username).status_code == 429
    assert http.login(username=user.username).status_code == 200


def test_person_who_gets_in_ends_the_slowing(http: Http, people: PeopleMaker, stage: Stage, clock: Clock) -> None:
    user = people.make()
    http.login(username=user.username)
    guessed_at(stage, user, clock)
    assert http.login(username=user.username).status_code == 200

    assert guess(http, user.username, 20) == [400] * 20


def test_stranger_who_knows_the_password_gets_in_with_the_next_turn(http: Http, slowed: User, clock: Clock) -> None:
    clock.advance(SHARED_ATTEMPT_S)

    assert from_elsewhere(http, slowed.username).status_code == 200
    assert from_elsewhere(http, slowed.username).status_code == 200


def test_ten_latest_addresses_are_known_and_the_eleventh_is_forgotten(
    http: Http, people: PeopleMaker, stage: Stage, clock: Clock
) -> None:
    user, addresses = people.make(), strangers()
    homes = [next(addresses) for _ in range(11)]
    for http.source_ip in homes:
        assert http.login(username=user.username).status_code == 200
    known = people.of("employees").find(user.user_id).known_addresses
    assert known == tuple(reversed(homes[1:]))
    guessed_at(stage, user, clock)
    assert from_elsewhere(http, user.username, "wrong").status_code == 400

    http.source_ip = homes[0]
    assert http.login(username=user.username).status_code == 429
    http.source_ip = homes[1]
    assert http.login(username=user.username).status_code == 200


def test_known_address_costs_no_write_of_its_own_and_is_written_when_it_changes_alone(
    http: Http, people: PeopleMaker, stage: Stage
) -> None:
    user = people.make()
    http.login(username=user.username)
    with calls_of(stage) as calls:
        http.login(username=user.username)

    assert len(calls.made) == 5
    (_, written) = [params for name, params in calls.parameters if name == "UpdateItem"]
    assert "known_addresses" not in str(written)


def test_slowed_answer_differs_from_a_block_in_its_times_alone(
    http: Http, people: PeopleMaker, stage: Stage, clock: Clock
) -> None:
    blocked, slowed = people.make(), people.make()
    for _ in range(10):
        http.login(username=blocked.username, password="wrong")
    guessed_at(stage, slowed, clock)
    assert from_elsewhere(http, slowed.username, "wrong").status_code == 400
    answers = [http.login(username=blocked.username), from_elsewhere(http, slowed.username)]

    (blocked_headers, blocked_body), (slowed_headers, slowed_body) = map(visible_parts, answers)
    assert blocked_body == slowed_body
    assert {name for name in blocked_headers | slowed_headers if blocked_headers[name] != slowed_headers[name]} == {
        *TIMES
    }


def test_slowed_attempt_takes_nothing_from_the_allowance_of_its_address(http: Http, slowed: User, clock: Clock) -> None:
    for _ in range(15):
        assert http.login(username=slowed.username).status_code == 429
    clock.advance(SHARED_ATTEMPT_S)

    assert http.login(username=slowed.username).status_code == 200


def test_slowed_attempt_hashes_nothing_and_writes_no_turn_while_none_is_free(
    http: Http, slowed: User, stage: Stage
) -> None:
    with calls_of(stage) as calls:
        http.login(username=slowed.username)

    assert calls.made == ["BatchGetItem"]


def test_failures_of_a_month_ago_slow_nobody(http: Http, guessed: User, stage: Stage, clock: Clock) -> None:
    clock.advance(2_592_000)

    assert guess(http, guessed.username, 20) == [400] * 20
    assert failures_in_a_row(stage, guessed) == 20


@pytest.mark.parametrize("act", ["unblock", "password"])
def test_admin_and_a_new_password_clear_every_count(
    http: Http, people: PeopleMaker, stage: Stage, clock: Clock, act: str
) -> None:
    user = people.make()
    employees: People = people.of("employees")
    for _ in range(10):
        http.login(username=user.username, password="wrong")
    guessed_at(stage, user, clock)
    assert from_elsewhere(http, user.username, "wrong").status_code == 400
    assert from_elsewhere(http, user.username).status_code == 429
    if act == "unblock":
        employees.set_blocked(user, False)
    else:
        employees.set_password(user, PASSWORD)

    assert http.login(username=user.username).status_code == 200
    assert from_elsewhere(http, user.username).status_code == 200


def test_refusal_tells_its_limit_and_when_it_ends(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    statuses = [http.login(username=user.username, password="wrong").status_code for _ in range(10)]
    response = http.login(username=user.username)

    assert (statuses, response.status_code, response.json()) == ([400] * 10, 429, BLOCKED)
    assert response.headers["Retry-After"] == "2592000"
    assert response.headers["X-RateLimit-Limit"] == "10"
    assert response.headers["X-RateLimit-Remaining"] == "0"
    assert response.headers["X-RateLimit-Reset"] == str(int(clock()) + 2_592_000)


def test_known_and_unknown_names_have_one_curve(http: Http, people: PeopleMaker) -> None:
    curves = []
    for username in (people.make().username, "nobody by that name"):
        curves.append([visible_parts(http.login(username=username, password="wrong")) for _ in range(13)])

    assert curves[0] == curves[1]


def test_account_can_be_counted_over_all_addresses_together(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user = people.make()
    with change_protection(stage, brute_force_protection={"mode": "count_per_identifier", "max_attempts": 3}):
        assert [from_elsewhere(http, user.username, "wrong").status_code for _ in range(4)] == [400] * 3 + [429]
        assert http.login(username=user.username).status_code == 429
        people.of("employees").set_blocked(user, False)
        assert http.login(username=user.username).status_code == 200


def test_success_clears_the_count_over_all_addresses(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user = people.make()
    with change_protection(stage, brute_force_protection={"mode": "count_per_identifier", "max_attempts": 3}):
        for _ in range(3):
            assert from_elsewhere(http, user.username, "wrong").status_code == 400
            assert from_elsewhere(http, user.username, "wrong").status_code == 400
            assert http.login(username=user.username).status_code == 200


def test_turn_that_cannot_be_taken_lets_nobody_in(http: Http, guessed: User, stage: Stage) -> None:
    with failing(stage, "UpdateItem", aws_error("InternalServerError"), times=range(1, 100)):
        assert from_elsewhere(http, guessed.username).status_code == 503

    assert from_elsewhere(http, guessed.username).status_code == 200


def test_two_strangers_at_once_have_one_turn(http: Http, guessed: User, stage: Stage) -> None:
    def another() -> None:
        assert from_elsewhere(http, guessed.username, "wrong").status_code == 400

    # The first write finds that strangers share an attempt, the second takes it.
    with before(stage, "UpdateItem", another, times=range(1, 2)):
        refused = from_elsewhere(http, guessed.username)

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, str(SHARED_ATTEMPT_S))


def test_account_that_is_cleared_while_a_stranger_waits_is_open(
    http: Http, people: PeopleMaker, guessed: User, stage: Stage
) -> None:
    def unblock() -> None:
        people.of("employees").set_blocked(guessed, False)

    with before(stage, "UpdateItem", unblock, times=range(1, 2)):
        assert from_elsewhere(http, guessed.username).status_code == 200
