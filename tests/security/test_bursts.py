"""Guesses that are under way at the same moment, when a limit is reached (docs/adr/0019), with real threads."""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Barrier

import pytest

from chalicelib import wiring
from chalicelib.errors import TooManyAttempts
from chalicelib.model.tenant import SuspiciousIpThrottling
from chalicelib.model.user import User
from chalicelib.passwords.hash import verify
from chalicelib.protection.client import BUCKET, ClientGuard
from chalicelib.store.buckets import CLIENTS, BucketStore
from infra.stage.aws import Stage
from tests.support.attempts import failures_in_a_row, leave_failures
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.stages import change_protection
from tests.support.threads import at_once

THREADS = 30
RATE_S = 864
SHARED_ATTEMPT_S = 900
PATIENCE_S = 30
_numbers = itertools.count(1)


@dataclass
class Bcrypt:
    """Looks at passwords; while it is held, no earlier than so many are there. looked_at: how many were.

    So all of them have passed every limit before the first failure is counted.
    """

    looked_at: list[str] = field(default_factory=list)
    meeting: Barrier | None = None

    def verify(self, password: str, stored: str) -> bool:
        self.looked_at.append(password)
        if self.meeting:
            self.meeting.wait(PATIENCE_S)
        return verify(password, stored)


@pytest.fixture
def bcrypt() -> Bcrypt:
    return Bcrypt()


@pytest.fixture
def externals(clock: Clock, bcrypt: Bcrypt) -> wiring.Externals:
    return wiring.Externals(clock=clock, pause=clock.pause, verify=bcrypt.verify)


def spray(http: Http, times: int) -> list[int]:
    """Guess once at each of so many people."""
    return [http.login(username=f"burst {next(_numbers)}", password="a guess").status_code for _ in range(times)]


def burst(http: Http, bcrypt: Bcrypt) -> Counter[int]:
    """Guess at so many people at the same moment."""
    names = [f"burst {next(_numbers)}" for _ in range(THREADS)]
    bcrypt.meeting = Barrier(THREADS)
    statuses = at_once(THREADS, lambda one: http.login(username=names[one], password="a guess").status_code)
    bcrypt.meeting = None
    return Counter(statuses)


@pytest.fixture
def filled(http: Http, stage: Stage, bcrypt: Bcrypt, clock: Clock) -> Iterator[Http]:
    """An address with room for one, from which so many guesses came at the same moment."""
    clock.now = int(clock.now)
    with change_protection(stage, suspicious_ip_throttling={"max_attempts": 5}):
        assert spray(http, 4) == [400] * 4
        assert burst(http, bcrypt) == {400: THREADS}
        bcrypt.looked_at.clear()
        yield http


def test_burst_into_the_last_room_is_paid_with_one_rate_for_each_guess(filled: Http, clock: Clock) -> None:
    assert filled.login().headers["Retry-After"] == str(THREADS * RATE_S)
    clock.advance(THREADS * RATE_S - 1)
    assert spray(filled, 1) == [429]
    clock.advance(1)
    assert spray(filled, 2) == [400, 429]


def test_slots_of_an_address_in_debt_let_no_burst_through(filled: Http, bcrypt: Bcrypt, clock: Clock) -> None:
    for _ in range(3):
        clock.advance(RATE_S)
        statuses = at_once(THREADS, lambda _: filled.login(username="burst", password="a guess").status_code)
        assert Counter(statuses) == {429: THREADS}

    assert bcrypt.looked_at == []


def test_refusals_of_an_address_in_debt_add_nothing_to_it(filled: Http, clock: Clock) -> None:
    assert spray(filled, 20) == [429] * 20
    clock.advance(THREADS * RATE_S)

    assert spray(filled, 1) == [400]


def test_burst_of_client_secrets_is_paid_with_one_rate_for_each_guess(http: Http, stage: Stage, clock: Clock) -> None:
    clock.now = int(clock.now)
    table = f"{stage.prefix}attempts"
    guard = ClientGuard(BucketStore(stage.dynamo, table, CLIENTS), SuspiciousIpThrottling, clock)
    for _ in range(BUCKET.size + 10):
        guard.require_room(http.source_ip, "backend")
    statuses = []
    for _ in range(BUCKET.size + 10):
        try:
            guard.fail(http.source_ip, "backend")
            statuses.append(401)
        except TooManyAttempts as refusal:
            statuses.append(refusal.status)

    assert statuses == [401] * BUCKET.size + [429] * 10
    clock.advance(11 * 60 - 1)
    with pytest.raises(TooManyAttempts):
        guard.require_room(http.source_ip, "backend")
    clock.advance(1)
    guard.require_room(http.source_ip, "backend")


@dataclass
class Strangers:
    """Guess at one person from an address of their own each."""

    http: Http
    user: User

    def guess(self, _: int = 0) -> int:
        number = next(_numbers)
        one = self.http.at(f"100.{64 + (number >> 16)}.{number >> 8 & 255}.{number & 255}")
        return one.login(username=self.user.username, password="a guess").status_code


@pytest.fixture
def strangers(http: Http, people: PeopleMaker, stage: Stage, clock: Clock) -> Strangers:
    """Strangers to a person who logged in before, at whom 99 failed in a row since."""
    clock.now = int(clock.now)
    user = people.make()
    assert http.login(username=user.username, password=PASSWORD).status_code == 200
    leave_failures(stage, user, 99, int(clock()))
    return Strangers(http, user)


def strangers_burst(strangers: Strangers, bcrypt: Bcrypt) -> Counter[int]:
    bcrypt.meeting = Barrier(THREADS)
    statuses = at_once(THREADS, strangers.guess)
    bcrypt.meeting = None
    return Counter(statuses)


def test_count_in_a_row_is_passed_by_one_burst_and_then_every_turn_is_one_guess(
    strangers: Strangers, bcrypt: Bcrypt, stage: Stage, clock: Clock
) -> None:
    assert strangers_burst(strangers, bcrypt) == {400: THREADS}
    assert failures_in_a_row(stage, strangers.user) == 99 + THREADS
    for _ in range(3):
        bcrypt.looked_at.clear()
        assert Counter(at_once(THREADS, strangers.guess)) == {400: 1, 429: THREADS - 1}
        assert len(bcrypt.looked_at) == 1
        clock.advance(SHARED_ATTEMPT_S)


def test_success_of_the_person_ends_the_count_that_a_burst_has_passed(
    strangers: Strangers, bcrypt: Bcrypt, http: Http, stage: Stage
) -> None:
    assert strangers_burst(strangers, bcrypt) == {400: THREADS}
    assert http.login(username=strangers.user.username, password=PASSWORD).status_code == 200

    assert failures_in_a_row(stage, strangers.user) == 0
    assert strangers.guess() == 400
