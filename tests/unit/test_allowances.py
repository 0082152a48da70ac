"""Buckets of tries against a plain model: so many at once, one more each interval."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chalicelib.model.bucket import Bucket
from chalicelib.store.code_attempts import Allowance, AllowanceStore
from infra.stage.aws import Stage

START_MS = 1_700_000_000_000
_numbers = count(1)


@dataclass
class Model:
    """A bucket as anybody would say it: it loses a try with each one taken, and gains one each interval, up to full."""

    tries: int
    interval_ms: int
    taken: int = 0
    next_at: int = 0

    def take(self, now_ms: int) -> int:
        """Take one try; return 0, or after how many milliseconds there is one."""
        while self.taken and self.next_at <= now_ms:
            self.taken -= 1
            self.next_at += self.interval_ms
        if self.taken == self.tries:
            return self.next_at - now_ms
        self.next_at = self.next_at if self.taken else now_ms + self.interval_ms
        self.taken += 1
        return 0


def bucket_of(tries: int, interval_ms: int) -> Allowance:
    return Allowance(f"test#{next(_numbers)}", "codes", Bucket(tries, interval_ms))


@pytest.fixture(scope="module")
def store(stage: Stage) -> AllowanceStore:
    return AllowanceStore(stage.dynamo, f"{stage.prefix}attempts")


@hypothesis_settings(max_examples=40)
@given(
    tries=st.integers(1, 12),
    interval_ms=st.sampled_from([1, 7, 1000, 360_000]),
    waits=st.lists(st.one_of(st.just(0.0), st.floats(0, 3, allow_nan=False)), min_size=1, max_size=40),
)
def test_bucket_takes_and_refuses_as_the_plain_model_does(
    store: AllowanceStore, tries: int, interval_ms: int, waits: list[float]
) -> None:
    bucket, model, now_ms = bucket_of(tries, interval_ms), Model(tries, interval_ms), START_MS
    for wait in waits:
        now_ms += int(wait * interval_ms)
        assert store.take(bucket, now_ms) == model.take(now_ms)


@hypothesis_settings(max_examples=25)
@given(tries=st.integers(1, 6), back=st.lists(st.booleans(), min_size=1, max_size=20))
def test_try_that_is_given_back_is_there_again(store: AllowanceStore, tries: int, back: list[bool]) -> None:
    bucket, left = bucket_of(tries, 1000), tries
    for is_given_back in back:
        is_taken = store.take(bucket, START_MS) == 0
        assert is_taken == (left > 0)
        left -= is_taken
        if is_taken and is_given_back:
            store.dynamo.commit((store.give_back(bucket),))
            left += 1


@pytest.mark.parametrize("tries", [1, 10])
def test_exactly_so_many_of_parallel_tries_pass_and_after_an_interval_one(store: AllowanceStore, tries: int) -> None:
    bucket = bucket_of(tries, 360_000)
    for now_ms, passing in ((START_MS, tries), (START_MS + 359_999, 0), (START_MS + 360_000, 1)):
        barrier = Barrier(24)

        def take(_: int, now_ms: int = now_ms, barrier: Barrier = barrier) -> int:
            barrier.wait()
            return store.take(bucket, now_ms)

        with ThreadPoolExecutor(24) as pool:
            waits = list(pool.map(take, range(24)))

        assert waits.count(0) == passing
        assert all(0 <= wait <= 360_000 for wait in waits)


def test_parallel_tries_at_a_bucket_that_ran_empty_pass_as_at_a_new_one(store: AllowanceStore) -> None:
    bucket = bucket_of(10, 1000)
    for _ in range(10):
        store.take(bucket, START_MS)
    with ThreadPoolExecutor(24) as pool:
        waits = list(pool.map(lambda _: store.take(bucket, START_MS + 10_000), range(24)))

    assert waits.count(0) == 10


def test_refused_try_costs_nothing_however_often_it_is_made(store: AllowanceStore) -> None:
    bucket = bucket_of(3, 1000)
    waits = [store.take(bucket, START_MS) for _ in range(20)]

    assert waits == [0] * 3 + [1000] * 17
    assert store.take(bucket, START_MS + 1000) == 0
