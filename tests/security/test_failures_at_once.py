"""More failures decided at once in one process than it has threads for AWS."""

from collections import Counter
from threading import Barrier

import pytest

from chalicelib import wiring
from tests.support.http import Http
from tests.support.threads import at_once

THREADS = 200
PATIENCE_S = 30


@pytest.fixture
def meeting() -> Barrier:
    """Externals whose bcrypts wait for each other, so that all failures are decided at the same moment."""
    return Barrier(THREADS)


@pytest.fixture
def externals(meeting: Barrier) -> wiring.Externals:
    def verify(_: str, __: str) -> bool:
        meeting.wait(PATIENCE_S)
        return False

    return wiring.Externals(verify=verify)


def test_two_hundred_failures_at_the_same_moment_are_all_answered(http: Http) -> None:
    def guess(number: int) -> int:
        one = http.at(f"100.64.{number}.1")
        return one.login(username=f"nobody of {number}", password="a guess").status_code

    assert Counter(at_once(THREADS, guess)) == {400: THREADS}
