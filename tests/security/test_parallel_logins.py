"""Many logins at once, with real threads over the locked moto (docs/adr/0003)."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import pytest

from chalicelib import wiring
from tests.conftest import Hashes
from tests.support.http import Http
from tests.support.people import PASSWORD, PeopleMaker

MAX_ATTEMPTS = 10


@pytest.fixture
def world(hashes: Hashes) -> wiring.World:
    """The real world: threads that wait must really wait."""
    return wiring.World(verify=hashes.verify)


def at_once(count: int, send: Callable[[int], httpx.Response]) -> Counter[int]:
    """Send so many requests at the same moment, and count the statuses."""
    barrier = Barrier(count)

    def one(number: int) -> int:
        barrier.wait()
        return send(number).status_code

    with ThreadPoolExecutor(count) as pool:
        return Counter(pool.map(one, range(count)))


def test_hundred_wrong_guesses_evaluate_max_attempts_hashes(http: Http, people: PeopleMaker, hashes: Hashes) -> None:
    user = people.make()

    statuses = at_once(100, lambda number: http.login(username=user.username, password=f"guess {number}"))

    assert hashes.count == MAX_ATTEMPTS
    assert statuses == {400: MAX_ATTEMPTS, 429: 90}


def test_hundred_wrong_guesses_at_an_unknown_name_evaluate_as_many(http: Http, hashes: Hashes) -> None:
    statuses = at_once(100, lambda number: http.login(username="nobody at all", password=f"guess {number}"))

    assert hashes.count == MAX_ATTEMPTS
    assert statuses == {400: MAX_ATTEMPTS, 429: 90}


def test_forty_right_logins_of_one_person_all_succeed(http: Http, people: PeopleMaker) -> None:
    user = people.make()

    assert at_once(40, lambda _: http.login(username=user.username, password=PASSWORD)) == {200: 40}


def test_two_identical_logins_get_two_tokens_c22(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    tokens = set()

    def send(_: int) -> httpx.Response:
        response = http.login(username=user.username, password=PASSWORD)
        tokens.add(response.json()["access_token"])
        return response

    assert at_once(2, send) == {200: 2}
    assert len(tokens) == 2
