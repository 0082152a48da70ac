"""The leaky bucket, as the store keeps it, against the sentence that says what it is for."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.model.bucket import Bucket
from chalicelib.store.buckets import LOGINS, BucketStore
from infra.aws import Stage

_numbers = itertools.count(1)


def store_of(stage: Stage) -> BucketStore:
    return BucketStore(stage.clients.dynamodb, f"{stage.prefix}attempts", LOGINS)


def stored(stage: Stage, address: str) -> dict[str, int]:
    values = store_of(stage).read(address) or {}
    return {name: values[name] for name in ("empties_at_ms", "expires_at")}


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(1, 5_000), st.lists(st.integers(0, 4_000), min_size=1, max_size=25))
def test_no_span_of_time_lets_more_through_than_the_size_and_its_share_of_the_rate(
    stage: Stage, size: int, rate_ms: int, pauses: list[int]
) -> None:
    bucket, address, store = Bucket(size, rate_ms), f"bucket-{next(_numbers)}", store_of(stage)
    now_ms, let_through = 1_800_000_000_000, []
    for pause_ms in pauses:
        now_ms += pause_ms
        if store.fill(address, bucket, now_ms, is_running=pause_ms % 2 == 0).had_room:
            let_through.append(now_ms)

    for first, last in itertools.combinations_with_replacement(range(len(let_through)), 2):
        assert last - first + 1 <= size + (let_through[last] - let_through[first]) // rate_ms
    assert len(let_through) >= min(size, len(pauses))


def test_full_bucket_takes_no_more_and_opens_after_one_rate(stage: Stage) -> None:
    bucket, store, now_ms = Bucket(3, 1000), store_of(stage), 1_800_000_000_000
    filled = [store.fill("bucket-full", bucket, now_ms) for _ in range(5)]

    assert [one.had_room for one in filled] == [True] * 3 + [False] * 2
    assert bucket.opens_at_ms(filled[-1].empties_at_ms) == now_ms + 1000
    assert not store.fill("bucket-full", bucket, now_ms + 999).had_room
    assert store.fill("bucket-full", bucket, now_ms + 1000).had_room


def test_item_is_swept_no_earlier_than_it_is_empty_and_never_grows(stage: Stage) -> None:
    bucket, store, now_ms = Bucket(3, 1500), store_of(stage), 1_800_000_000_001
    for turn in range(10):
        store.fill("bucket-swept", bucket, now_ms + turn)
        item = stored(stage, "bucket-swept")
        assert item["empties_at_ms"] <= 1000 * item["expires_at"] <= now_ms + turn + 3 * 1500 + 1000
