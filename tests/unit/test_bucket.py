"""The leaky bucket, as the store keeps it, against the sentence that says what it is for."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.model.bucket import Bucket
from chalicelib.store.buckets import LOGINS, MAX_DEBT, BucketStore
from infra.stage.aws import Stage

_numbers = itertools.count(1)


def store_of(stage: Stage) -> BucketStore:
    return BucketStore(stage.dynamo, f"{stage.prefix}attempts", LOGINS)


def stored(stage: Stage, address: str) -> dict[str, int]:
    key = {"pk": {"S": f"address#{address}"}, "sk": {"S": LOGINS}}
    item = stage.clients.dynamodb.get_item(TableName=f"{stage.prefix}attempts", Key=key).get("Item", {})
    return {name: int(item[name]["N"]) for name in ("empties_at_ms", "expires_at")}


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


@settings(max_examples=20)
@given(
    st.integers(1, 5),
    st.integers(1, 3_000),
    st.lists(st.tuples(st.integers(0, 9_000), st.integers(1, 8)), min_size=1, max_size=10),
)
def test_failures_that_are_under_way_at_once_are_paid_for_before_the_next_is_let_in(
    stage: Stage, size: int, rate_ms: int, bursts: list[tuple[int, int]]
) -> None:
    bucket, address, store = Bucket(size, rate_ms), f"bucket-{next(_numbers)}", store_of(stage)
    now_ms, empties_at_ms = 1_800_000_000_000, 0
    let_in: list[int] = []
    for pause_ms, under_way in bursts:
        now_ms += pause_ms
        if bucket.is_full(empties_at_ms, now_ms):
            continue
        # However the bursts fall, what was let in before one of them fits the size and the rate.
        for number, first_ms in enumerate(let_in):
            assert len(let_in) - number <= size - 1 + (now_ms - first_ms) / rate_ms
        # All of them have seen the same room.
        filled = [store.fill(address, bucket, now_ms) for _ in range(under_way)]
        empties_at_ms = filled[-1].empties_at_ms
        let_in += [now_ms] * under_way

    assert len(let_in) >= min(size, bursts[0][1])


def test_each_failure_past_a_full_bucket_keeps_it_full_for_one_rate_more(stage: Stage) -> None:
    bucket, store, now_ms = Bucket(3, 1000), store_of(stage), 1_800_000_000_000
    filled = [store.fill("bucket-full", bucket, now_ms) for _ in range(5)]

    assert [one.had_room for one in filled] == [True] * 3 + [False] * 2
    assert bucket.opens_at_ms(filled[-1].empties_at_ms) == now_ms + 3000
    assert not store.fill("bucket-full", bucket, now_ms + 2999).had_room
    assert store.fill("bucket-full", bucket, now_ms + 4000).had_room


def test_debt_has_an_end_so_that_no_address_is_out_for_good(stage: Stage) -> None:
    bucket, store, now_ms = Bucket(1, 1000), store_of(stage), 1_800_000_000_000
    key = {"pk": {"S": "address#bucket-debt"}, "sk": {"S": LOGINS}}
    stage.clients.dynamodb.put_item(
        TableName=store.table, Item=key | {"empties_at_ms": {"N": str(now_ms + 1000 * (MAX_DEBT - 1))}}
    )
    filled = [store.fill("bucket-debt", bucket, now_ms) for _ in range(4)]

    assert [bucket.opens_at_ms(one.empties_at_ms) - now_ms for one in filled] == [
        1000 * MAX_DEBT,
        *[1000 * (MAX_DEBT + 1)] * 3,
    ]
    assert not store.fill("bucket-debt", bucket, now_ms + 1000 * MAX_DEBT).had_room


@pytest.mark.parametrize("is_running", [True, False])
def test_hint_costs_a_call_and_changes_nothing(stage: Stage, is_running: bool) -> None:
    bucket, store, address = Bucket(2, 1000), store_of(stage), f"bucket-{next(_numbers)}"
    filled = [store.fill(address, bucket, now_ms, is_running) for now_ms in (0, 0, 0, 5000)]

    assert [(one.empties_at_ms, one.had_room) for one in filled] == [
        (1000, True),
        (2000, True),
        (3000, False),
        (6000, True),
    ]


def test_item_is_swept_no_earlier_than_it_is_empty_and_never_grows(stage: Stage) -> None:
    bucket, store, now_ms = Bucket(3, 1500), store_of(stage), 1_800_000_000_001
    for turn in range(10):
        store.fill("bucket-swept", bucket, now_ms + turn)
        item = stored(stage, "bucket-swept")
        assert item["empties_at_ms"] <= 1000 * item["expires_at"]
        assert 1000 * item["expires_at"] <= now_ms + turn + (3 + MAX_DEBT) * 1500 + 1000
