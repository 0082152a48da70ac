"""Two names of one person tell nothing of each other: they look like two names of nobody (docs/adr/0028)."""

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.model.user import User
from infra.stage.aws import Stage
from tests.support.attempts import counts_of, leave_failures
from tests.support.calls import calls_of
from tests.support.fixed import Clock, Hashes
from tests.support.http import Http, visible_parts
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.stages import change_mfa, change_protection, client_of
from tests.support.threads import at_once

MAX_ATTEMPTS = 10
MONTH_S, TURN_S, GAP_S = 2_592_000, 900, 20
HOME = "100.63.2.1"
_numbers = itertools.count(1)
# Each step: which of two names, from which address, after how many seconds.
Script = list[tuple[int, int, int]]


@pytest.fixture
def plain(http: Http, stage: Stage, externals: wiring.Externals) -> Iterator[Http]:
    """A client of a tenant whose logins read no profile, from an address of its own."""
    with change_mfa(stage, factors=["otp"]), client_of(stage, externals) as client:
        client.source_ip = http.source_ip
        client.login(username="warm", password="wrong")
        yield client


@dataclass
class Attacker:
    """Tries names, and notes all that can be seen of each attempt, and the work that it takes."""

    http: Http
    stage: Stage
    hashes: Hashes
    clock: Clock

    def see(self, **params: str) -> tuple[Any, ...]:
        """Return the status, headers, body, calls and hashes of one attempt, without reads of the configuration."""
        self.hashes.count = 0
        with calls_of(self.stage) as calls:
            answer = self.http.login(**params)
        made = sorted(name for name, call in calls.parameters if not call.get("TableName", "").endswith("-config"))
        return (*visible_parts(answer), made, self.hashes.count)

    def run(self, names: tuple[str, str], script: Script) -> list[tuple[Any, ...]]:
        """Return what is seen of two names, each step at its own time; the clock is put back afterwards."""
        began, network = self.clock.now, next(_numbers)
        shown = []
        for which, address, wait_s in script:
            self.clock.advance(wait_s)
            self.http.source_ip = f"100.{64 + network}.{address >> 8}.{address & 255}"
            shown.append(self.see(username=names[which], password="wrong"))
        self.clock.now = began
        return shown


@pytest.fixture
def attacker(http: Http, stage: Stage, hashes: Hashes, clock: Clock) -> Attacker:
    """An attacker, whose clock shows whole seconds."""
    clock.now = int(clock.now)
    return Attacker(http, stage, hashes, clock)


def scripts() -> dict[str, Script]:
    """Return ways to try two names: which of them, from which address, after how many seconds."""
    chosen = random.Random(28)  # noqa: S311 (no secret)
    first, second = (0, 1, 0), (1, 1, 0)
    return {
        "in turns": [(turn % 2, 1, 0) for turn in range(26)],
        "after each other": [first] * 12 + [second] * 12,
        "a month": [first] * 11 + [(1, 1, MONTH_S - 10)] + [second] * 11 + [(0, 1, 20)] * 2 + [second] * 2,
        "many networks": [(turn % 2, turn // 4, 0) for turn in range(230)]
        + [(turn % 2, 100 + turn, TURN_S // 2) for turn in range(8)],
        "at random": [(chosen.randrange(2), chosen.randrange(3), chosen.choice((0, 0, 1, 400))) for _ in range(80)],
    }


@pytest.mark.parametrize("script", list(scripts().values()), ids=list(scripts()))
@pytest.mark.parametrize("has_profile", [True, False], ids=["with the profile", "without"])
def test_two_names_of_one_person_show_an_attacker_what_two_names_of_nobody_do(
    attacker: Attacker, plain: Http, people: PeopleMaker, script: Script, has_profile: bool
) -> None:
    user, number = people.make(), next(_numbers)
    attacker.http.login(username=user.username)
    attacker.http = attacker.http if has_profile else plain
    with change_protection(attacker.stage, suspicious_ip_throttling={"enabled": False}):
        attacker.clock.advance(120)
        attacker.http.login(username="fills the cache anew", password="wrong")
        ours = attacker.run((user.username, user.email), script)
        theirs = attacker.run((f"none of two {number}", f"none-of-two-{number}@example.com"), script)

    assert [parts["status"] for parts, *_ in ours] == [parts["status"] for parts, *_ in theirs]
    assert ours == theirs


@pytest.mark.parametrize("seed", range(6))
def test_two_names_of_one_person_who_gets_in_meanwhile_look_like_names_of_two_people(
    attacker: Attacker, people: PeopleMaker, seed: int
) -> None:
    chosen = random.Random(seed)  # noqa: S311 (no secret)
    one, first, second = (people.make() for _ in range(3))
    script = [(chosen.randrange(2), chosen.randrange(3), chosen.choice((0, 0, 1, 500))) for _ in range(30)]
    failed, logins = (
        chosen.choice((0, 95, 100)),
        {number: chosen.randrange(2) for number in chosen.sample(range(30), 3)},
    )
    now, stage = int(attacker.clock()), attacker.stage

    def see(names: tuple[str, str], users: tuple[User, User]) -> list[tuple[Any, ...]]:
        for user, door in zip(users, "ue", strict=True):
            leave_failures(stage, user, failed, now, door)
        seen, began, network = [], attacker.clock.now, next(_numbers)
        for number, (which, address, wait_s) in enumerate(script):
            # So few come that each stranger is let in (docs/adr/0031).
            attacker.clock.advance(GAP_S + wait_s)
            if number in logins:
                assert attacker.http.at(HOME).login(username=names[logins[number]]).status_code == 200
            attacker.http.source_ip = f"100.{64 + network}.0.{address}"
            seen.append(attacker.see(username=names[which], password="wrong"))
        attacker.clock.now = began
        return seen

    with change_protection(stage, suspicious_ip_throttling={"enabled": False}):
        attacker.clock.advance(120)
        attacker.http.login(username="fills the cache anew", password="wrong")
        for name in (one.username, first.username, second.email):
            assert attacker.http.at(HOME).login(username=name).status_code == 200
        ours = see((one.username, one.email), (one, one))
        theirs = see((first.username, second.email), (first, second))

    assert ours == theirs


def test_person_is_judged_max_attempts_times_through_both_names(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    for turn in range(MAX_ATTEMPTS):
        assert http.login(username=(user.username, user.email)[turn % 2], password="wrong").status_code == 400

    for name in (user.username, user.email):
        refused = http.login(username=name, password=PASSWORD)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert http.log[-1]["reason"].startswith("not judged")


def test_name_is_refused_for_what_was_tried_under_it_alone(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    for _ in range(MAX_ATTEMPTS):
        http.login(username=user.username, password="wrong")

    assert http.login(username=user.username).status_code == 429
    assert [http.login(username=user.email).status_code for _ in range(MAX_ATTEMPTS + 1)] == [400] * MAX_ATTEMPTS + [
        429
    ]


def test_unjudged_failures_do_not_count_against_the_person(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    for name in [user.username] * MAX_ATTEMPTS + [user.email] * MAX_ATTEMPTS:
        http.login(username=name, password="wrong")
        clock.advance(60)
    clock.advance(MONTH_S - MAX_ATTEMPTS * 60)

    assert http.login(username=user.username).status_code == 200


def test_success_under_one_name_shows_nothing_under_the_other(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    for _ in range(MAX_ATTEMPTS):
        http.login(username=user.email, password="wrong")
    away, home = http.source_ip, "100.63.1.1"
    http.source_ip = home
    assert http.login(username=user.username).status_code == 200
    http.source_ip = away

    assert http.login(username=user.email).status_code == 429
    assert http.login(username=user.username).status_code == 400


def test_success_under_one_name_gives_the_person_their_attempts_back(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    for _ in range(MAX_ATTEMPTS - 1):
        http.login(username=user.email, password="wrong")
    assert http.login(username=user.username).status_code == 200
    for _ in range(MAX_ATTEMPTS - 1):
        assert http.login(username=user.username, password="wrong").status_code == 400

    assert http.login(username=user.username).status_code == 200


def test_failures_in_a_row_under_both_names_slow_strangers_unseen(
    http: Http, people: PeopleMaker, stage: Stage, clock: Clock
) -> None:
    user = people.make()
    clock.now = int(clock.now)
    for door in "ue":
        leave_failures(stage, user, 60, int(clock()), door)
    hosts = (f"100.62.{host}.1" for host in itertools.count())

    def as_stranger(name: str, password: str) -> int:
        http.source_ip = next(hosts)
        return http.login(username=name, password=password).status_code

    assert as_stranger(user.username, "wrong") == 400
    assert as_stranger(user.email, PASSWORD) == 400
    assert http.log[-1]["reason"].startswith("not judged")
    clock.advance(TURN_S)
    assert as_stranger(user.email, PASSWORD) == 200
    assert as_stranger(user.username, PASSWORD) == 200


@pytest.mark.parametrize("password", [PASSWORD, "wrong"], ids=["right", "wrong"])
def test_right_password_that_comes_too_late_for_the_turn_makes_no_other_calls(
    attacker: Attacker, people: PeopleMaker, password: str
) -> None:
    user = people.make()
    for door in "ue":
        leave_failures(attacker.stage, user, 60, int(attacker.clock()), door)
    assert attacker.http.login(username=user.username, password="wrong").status_code == 400
    attacker.http.source_ip = "100.61.0.1"
    (parts, body, made, hashed) = attacker.see(username=user.email, password=password)

    assert (parts["status"], b"invalid_grant" in body, hashed) == ("400", True, 1)
    assert made == sorted(["BatchGetItem", "GetItem", "UpdateItem", "UpdateItem", "UpdateItem"])


def test_strangers_at_once_have_one_turn_of_a_person_through_both_names(
    http: Http, people: PeopleMaker, stage: Stage, clock: Clock
) -> None:
    user = people.make()
    for door in "ue":
        leave_failures(stage, user, 60, int(clock()), door)

    def guess(number: int) -> int:
        one = http.at(f"100.60.{number}.1")
        return one.login(username=(user.username, user.email)[number % 2], password=PASSWORD).status_code

    first, *others = sorted(at_once(12, guess))
    assert first == 200
    # The first success ends the slowing, so that a later one may pass too.
    assert set(others) <= {200, 400}


def test_right_logins_at_once_through_both_names_from_a_known_network_all_succeed(
    http: Http, people: PeopleMaker, stage: Stage, hashes: Hashes
) -> None:
    user = people.make()
    with client_of(stage, wiring.Externals(verify=hashes.verify)) as client:
        client.source_ip = http.source_ip
        assert client.login(username=user.username).status_code == 200

        def log_in(number: int) -> int:
            return client.login(username=(user.username, user.email)[number % 2]).status_code

        assert set(at_once(60, log_in)) == {200}


def test_guesses_at_once_through_both_names_are_judged_max_attempts_times(
    http: Http, people: PeopleMaker, stage: Stage, hashes: Hashes
) -> None:
    user = people.make()
    with client_of(stage, wiring.Externals(verify=hashes.verify)) as client:
        client.source_ip = http.source_ip

        def guess(number: int) -> int:
            return client.login(username=(user.username, user.email)[number % 2], password="wrong").status_code

        hashes.count = 0
        statuses = Counter(at_once(100, guess))
        reasons = Counter(line.get("reason", "") for line in client.log if line["error"] == "invalid_grant")

    assert statuses == {400: 2 * MAX_ATTEMPTS, 429: 100 - 2 * MAX_ATTEMPTS}
    assert (hashes.count, reasons["wrong password"]) == (2 * MAX_ATTEMPTS, MAX_ATTEMPTS)


def test_item_of_a_person_stays_small_however_many_networks_try(http: Http, people: PeopleMaker, stage: Stage) -> None:
    user = people.make()
    for number in range(60):
        http.source_ip = f"100.59.{number}.1"
        for name in (user.username, user.email):
            http.login(username=name, password="wrong")
    item = counts_of(stage, user)

    assert [len(item[f"{door}_networks"]) for door in "ue"] == [20, 20]
    assert len(str(item)) < 12_000
    http.source_ip = "100.58.0.1"
    people.of("employees").forget_attempts(user)
    assert not [name for name in counts_of(stage, user) if name.startswith(("u_", "ua_", "e_", "ea_"))]
    assert http.login(username=user.username).status_code == 200
