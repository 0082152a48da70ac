"""Many logins at once, with real threads over the locked moto (docs/adr/0003)."""

import secrets
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import pytest

from chalicelib import wiring
from chalicelib.errors import TooManyAttempts
from chalicelib.model.account import Account
from chalicelib.model.clock import SystemClock
from chalicelib.model.storage import Read
from chalicelib.model.tenant import BruteForceProtection, SuspiciousIpThrottling
from chalicelib.passwords.hash import hash_password
from chalicelib.protection.account import AccountGuard, LoginAttempt
from chalicelib.protection.address import AddressGuard
from chalicelib.protection.closed import ClosedNames
from chalicelib.protection.looks import Looks, Trickle
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.aws.parallel import Parallel
from chalicelib.store.buckets import LOGINS, BucketStore
from chalicelib.store.tally import NOBODY
from infra.stage.aws import Stage
from tests.support.fixed import BCRYPT_COST, Hashes
from tests.support.http import Http
from tests.support.legacy import Store, client_with_legacy
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.threads import at_once

MAX_ATTEMPTS = 10
THREADS = 200


@pytest.fixture
def externals(hashes: Hashes) -> wiring.Externals:
    """The real externals: threads that wait must really wait."""
    return wiring.Externals(verify=hashes.verify)


def statuses_at_once(count: int, send: Callable[[int], httpx.Response]) -> Counter[int]:
    """Send so many requests at the same moment, and count the statuses."""
    return Counter(answer.status_code for answer in at_once(count, send))


def test_hundred_wrong_guesses_evaluate_max_attempts_hashes(http: Http, people: PeopleMaker, hashes: Hashes) -> None:
    user = people.make()

    statuses = statuses_at_once(100, lambda number: http.login(username=user.username, password=f"guess {number}"))

    assert hashes.count == MAX_ATTEMPTS
    assert statuses == {400: MAX_ATTEMPTS, 429: 90}


@pytest.mark.parametrize("runs", [1, pytest.param(50, marks=pytest.mark.slow)])
def test_two_hundred_threads_evaluate_max_attempts_hashes_in_each_run(stage: Stage, hashes: Hashes, runs: int) -> None:
    table, policy = f"{stage.prefix}attempts", BruteForceProtection()
    buckets = BucketStore(stage.dynamo, table, LOGINS)
    store = AttemptStore(stage.dynamo, table)
    guard = AccountGuard(
        stage.dynamo,
        Parallel(),
        store,
        AddressGuard(Parallel(), buckets, SuspiciousIpThrottling, SystemClock(), Looks(SystemClock())),
        ClosedNames(stage.dynamo, SystemClock(), Looks(SystemClock()), Trickle(SystemClock(), secrets.randbelow)),
        lambda *_: None,
        SystemClock(),
        time.sleep,
    )
    stored = hash_password(PASSWORD, BCRYPT_COST)

    def attempt_of(run: int) -> LoginAttempt:
        account = Account("employees", f"run {run} of {runs}")
        return LoginAttempt(account, store.key_of(account), NOBODY, False, f"203.0.113.{run}", policy, ())

    def guess(attempt: LoginAttempt, barrier: Barrier) -> bool:
        """Guess as the grant does; whether the guess was looked at."""
        barrier.wait()
        try:
            with guard.admit(attempt, Read((), lambda _: lambda _: None), lambda: attempt) as admitted:
                hashes.verify("a guess", stored)
        except TooManyAttempts:
            return False
        return guard.decide(admitted, is_right=False) is None

    with ThreadPoolExecutor(THREADS) as pool:
        for run in range(runs):
            attempt, barrier = attempt_of(run), Barrier(THREADS)
            hashes.count = 0
            looked_at = Counter(pool.map(lambda _, at=attempt, all_=barrier: guess(at, all_), range(THREADS)))
            assert looked_at == {True: policy.max_attempts, False: THREADS - policy.max_attempts}
            assert hashes.count == policy.max_attempts


def test_hundred_wrong_guesses_at_an_unknown_name_evaluate_as_many(http: Http, hashes: Hashes) -> None:
    statuses = statuses_at_once(100, lambda number: http.login(username="nobody at all", password=f"guess {number}"))

    assert hashes.count == MAX_ATTEMPTS
    assert statuses == {400: MAX_ATTEMPTS, 429: 90}


def test_hundred_right_logins_of_one_person_all_succeed(http: Http, people: PeopleMaker) -> None:
    user = people.make()

    assert statuses_at_once(100, lambda _: http.login(username=user.username, password=PASSWORD)) == {200: 100}


def test_two_identical_logins_get_two_tokens(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    tokens = set()

    def send(_: int) -> httpx.Response:
        response = http.login(username=user.username, password=PASSWORD)
        tokens.add(response.json()["access_token"])
        return response

    assert statuses_at_once(2, send) == {200: 2}
    assert len(tokens) == 2


def test_two_hundred_first_logins_at_once_make_one_record(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    store = Store()
    email = store.add()
    with client_with_legacy(stage, externals, store) as http:
        statuses = statuses_at_once(THREADS, lambda _: http.login(username=email))
        assert http.login(username=email).status_code == 200

    assert set(statuses) <= {200, 429}
    assert statuses[200] >= 1
    assert [user.email for user in people.of("employees").records.all() if user.email == email] == [email]
