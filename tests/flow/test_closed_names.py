"""A process refuses attempts at names that it knows to be closed, without a write (docs/adr/0031), through HTTP."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from chalicelib import wiring
from chalicelib.model.user import User
from infra.stage.aws import Stage
from tests.support.attempts import begin_and_vanish, leave_failures
from tests.support.calls import calls_of
from tests.support.fixed import Clock
from tests.support.http import Http, visible_parts
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.stages import change_protection, client_of

NOBODY = "nobody is closed"
ZERO_WIDTH = "\u200b"
LOOKS, GAP_S, WATCHED_S = 3, 20, 60
_numbers = itertools.count(1)


def stranger(http: Http) -> Http:
    """Return a client of the same process, from an address that no other test has."""
    number = next(_numbers)
    return http.at(f"100.65.{number >> 8 & 255}.{number & 255}")


def block(http: Http, username: str) -> None:
    """Guess wrongly as often as it takes."""
    for _ in range(10):
        assert http.login(username=username, password="wrong").status_code == 400


def calls_to_login(stage: Stage, http: Http, username: str, times: int = 1) -> list[list[str]]:
    """Return the calls of each of so many refused attempts."""
    made = []
    for _ in range(times):
        with calls_of(stage) as calls:
            assert http.login(username=username).status_code == 429
        made.append(calls.made)
    return made


@pytest.fixture
def second(stage: Stage, externals: wiring.Externals, http: Http) -> Iterator[Http]:
    """A second process, and the same address. It has read the configuration."""
    with client_of(stage, externals) as process:
        assert process.login().status_code == 200
        yield process.at(http.source_ip)


@pytest.fixture(params=[True, False], ids=["user", "nobody"])
def name(request: pytest.FixtureRequest, people: PeopleMaker) -> str:
    """The name of a user, or of nobody."""
    return str(people.make().username) if request.param else f"{NOBODY} {next(_numbers)}"


def test_refused_attempts_write_nothing_and_read_three_times_and_then_once_a_second(
    http: Http, stage: Stage, clock: Clock, name: str
) -> None:
    block(http, name)
    for looks in (LOOKS, 1, 1):
        assert calls_to_login(stage, http, name, 5) == [["BatchGetItem"]] * looks + [[]] * (5 - looks)
        clock.advance(1)
    clock.advance(86_400)
    (made,) = calls_to_login(stage, http, name)

    assert set(made) <= {"BatchGetItem", "GetItem"}


def test_process_that_did_not_know_counts_once_and_then_knows(
    http: Http, second: Http, stage: Stage, name: str
) -> None:
    block(http, name)
    first, *others = calls_to_login(stage, second, name, 5)

    assert first.count("UpdateItem") == 1
    assert others == [["BatchGetItem"]] * LOOKS + [[]]


def test_refusal_that_makes_no_call_has_the_same_bytes(http: Http, second: Http, name: str) -> None:
    block(http, name)
    answers = [visible_parts(process.login(username=name)) for process in (http, second) for _ in range(5)]

    assert all(answer == answers[0] for answer in answers)


def test_time_that_is_told_falls_and_then_attempts_are_let_in(
    http: Http, stage: Stage, clock: Clock, name: str
) -> None:
    clock.now = int(clock.now)
    with change_protection(stage, brute_force_protection={"block_lifetime": 60}):
        block(http, name)
        told = []
        for _ in range(4):
            told += [http.login(username=name).headers["Retry-After"] for _ in range(4)]
            clock.advance(15)

        assert told == ["60"] * 4 + ["45"] * 4 + ["30"] * 4 + ["15"] * 4
        assert http.login(username=name, password="wrong").status_code == 400


def test_name_is_closed_for_the_network_that_failed_alone(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    block(http, str(user.username))
    assert {http.login(username=user.username).status_code for _ in range(5)} == {429}

    assert stranger(http).login(username=user.username).status_code == 200


def test_name_that_is_counted_for_all_addresses_together_is_closed_for_all(http: Http, stage: Stage, name: str) -> None:
    with change_protection(stage, brute_force_protection={"mode": "count_per_identifier"}):
        block(http, name)
        calls_to_login(stage, http, name, LOOKS)

        assert calls_to_login(stage, stranger(http), name) == [[]]


@dataclass
class Attacked:
    """A user who logged in from home, and at whom a hundred failed in a row since."""

    http: Http
    user: User

    def guess(self, by: str = "username") -> httpx.Response:
        """Guess from an address of its own."""
        return stranger(self.http).login(username=getattr(self.user, by), password="a guess")


@pytest.fixture
def attacked(http: Http, stage: Stage, people: PeopleMaker, clock: Clock) -> Attacked:
    user = people.make()
    assert http.login(username=user.username, password=PASSWORD).status_code == 200
    leave_failures(stage, user, 100, int(clock()))
    one = Attacked(http, user)
    # The turn that strangers share.
    assert one.guess().status_code == 400
    return one


def test_strangers_to_an_attacked_user_cost_no_call(attacked: Attacked, stage: Stage, clock: Clock) -> None:
    assert [attacked.guess().status_code for _ in range(3)] == [429] * 3
    with calls_of(stage) as calls:
        answers = [attacked.guess() for _ in range(20)]

    assert {answer.status_code for answer in answers} == {429}
    assert calls.made == []
    assert len({visible_parts(answer)[1] for answer in answers}) == 1


def test_owner_gets_in_from_where_they_were_before(attacked: Attacked) -> None:
    for _ in range(20):
        assert attacked.guess().status_code == 429

    assert attacked.http.login(username=attacked.user.username).status_code == 200
    assert attacked.http.login(username=attacked.user.username).status_code == 200


def test_other_door_to_the_same_user_is_not_closed(attacked: Attacked) -> None:
    assert [attacked.guess().status_code for _ in range(5)] == [429] * 5

    assert attacked.guess("email").status_code == 400


def test_success_of_the_owner_lets_strangers_in_again_within_a_second(attacked: Attacked, clock: Clock) -> None:
    assert [attacked.guess().status_code for _ in range(4)] == [429] * 4
    assert attacked.http.login(username=attacked.user.username).status_code == 200
    clock.advance(1)

    assert attacked.guess().status_code == 400


def test_success_of_the_owner_lets_few_strangers_in_as_long_as_many_come(attacked: Attacked, clock: Clock) -> None:
    (closed, *_) = [attacked.guess() for _ in range(20)]
    assert attacked.http.login(username=attacked.user.username).status_code == 200
    clock.advance(1)
    answers = []
    for _ in range(20):
        answers += [attacked.guess() for _ in range(10)]
        clock.advance(GAP_S)
    refused = [answer for answer in answers if answer.status_code == 429]

    # On average, one in ten seconds is let in.
    assert 15 < len(answers) - len(refused) < 65
    assert {visible_parts(answer)[1] for answer in refused} == {visible_parts(closed)[1]}
    # A second more than the longest gap, as both its ends are rounded away from each other.
    assert all(1 <= int(answer.headers["Retry-After"]) <= GAP_S + 1 for answer in refused)


def test_attempts_that_are_refused_save_no_place_for_the_moment_in_which_the_name_opens(attacked: Attacked) -> None:
    assert [attacked.guess().status_code for _ in range(20)] == [429] * 20
    assert attacked.http.login(username=attacked.user.username).status_code == 200

    assert [attacked.guess().status_code for _ in range(10)] == [429] * 10


def test_process_that_let_few_strangers_in_lets_them_all_in_once_none_has_failed_for_a_minute(
    attacked: Attacked, clock: Clock
) -> None:
    assert [attacked.guess().status_code for _ in range(20)] == [429] * 20
    assert attacked.http.login(username=attacked.user.username).status_code == 200
    clock.advance(GAP_S)
    assert stranger(attacked.http).login(username=attacked.user.username).status_code == 200
    clock.advance(WATCHED_S)

    assert [stranger(attacked.http).login(username=attacked.user.username).status_code for _ in range(5)] == [200] * 5


def test_name_that_is_typed_in_many_spellings_is_one(attacked: Attacked, stage: Stage) -> None:
    assert [attacked.guess().status_code for _ in range(4)] == [429] * 4
    typed = [f"{ZERO_WIDTH * number}{attacked.user.username}" for number in range(1, 20)]
    with calls_of(stage) as calls:
        statuses = {stranger(attacked.http).login(username=name, password="a guess").status_code for name in typed}

    assert (statuses, calls.made) == ({429}, [])


def test_look_by_a_network_that_is_used_up_does_not_forget_that_strangers_are_refused(
    http: Http, stage: Stage, people: PeopleMaker, clock: Clock
) -> None:
    user, full = people.make(), stranger(http)
    block(full, str(user.username))
    leave_failures(stage, user, 100, int(clock()))
    assert [stranger(http).login(username=user.username, password="a guess").status_code for _ in range(2)] == [
        400,
        429,
    ]
    for _ in range(5):
        clock.advance(1)
        assert full.login(username=user.username).status_code == 429
        with calls_of(stage) as calls:
            assert stranger(http).login(username=user.username).status_code == 429
        assert "UpdateItem" not in calls.made


def unblock(people: PeopleMaker, user: User) -> None:
    people.of("employees").forget_attempts(user)


def set_password(people: PeopleMaker, user: User) -> None:
    people.of("employees").set_password(user, PASSWORD)


@pytest.mark.parametrize("reset", [unblock, set_password])
@pytest.mark.parametrize("refusals", [1, 20], ids=["calm", "under-attack"])
def test_what_an_operator_does_lets_people_in_within_a_second(
    http: Http, people: PeopleMaker, clock: Clock, reset: Callable[[PeopleMaker, User], None], refusals: int
) -> None:
    user = people.make()
    block(http, str(user.username))
    for _ in range(refusals):
        assert http.login(username=user.username).status_code == 429
    reset(people, user)
    # At once, unless so many came in this second that the process does not look again.
    clock.advance(1 if refusals > LOOKS else 0)

    assert [http.login(username=user.username).status_code for _ in range(3)] == [200] * 3


def test_new_user_of_a_name_that_was_closed_is_let_in_within_a_second(
    http: Http, people: PeopleMaker, clock: Clock
) -> None:
    name = f"{NOBODY} {next(_numbers)}"
    block(http, name)
    assert {http.login(username=name).status_code for _ in range(5)} == {429}
    people.make(username=name)
    clock.advance(1)

    assert http.login(username=name).status_code == 200


def test_name_in_another_realm_is_another_one(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    namesake = people.make("customers", email=user.email)
    for _ in range(10):
        http.realm_login("employees", username=user.email, password="wrong")
    assert {http.realm_login("employees", username=user.email).status_code for _ in range(5)} == {429}

    assert http.realm_login("customers", username=namesake.email).status_code == 200


def test_attempt_that_may_still_succeed_closes_nothing(
    http: Http, stage: Stage, people: PeopleMaker, clock: Clock
) -> None:
    user = people.make()
    for _ in range(9):
        http.login(username=user.username, password="wrong")
    begin_and_vanish(stage, user, http.source_ip, int(clock()))
    assert http.login(username=user.username).status_code == 429
    assert sum(clock.paused) > 4
    people.of("employees").forget_attempts(user)

    assert http.login(username=user.username).status_code == 200
