"""The rotation as a state machine, at any times and with any keys lost."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.model.key import SigningKey
from chalicelib.rotation.steps import PUBLISH_S, RETIRE_S, Step, next_step, take_step

DAY_S = 86_400
NOW = 1_800_000_000
# The gaps between two runs: an hour, as the schedule has it, or what a disabled schedule leaves.
GAPS = st.lists(st.integers(0, 60 * DAY_S), min_size=1, max_size=40)
LOSSES = st.dictionaries(st.integers(0, 39), st.sampled_from(["current", "next"]), max_size=5)
AGES = st.sampled_from([0, 31 * DAY_S, 90 * DAY_S])


def key(number: int, status: str = "next", since: int = NOW) -> SigningKey:
    return SigningKey(f"kid{number}", "RS256", f"arn{number}", {}, status, since)


def statuses(keys: Sequence[SigningKey]) -> list[str]:
    return [key.status for key in keys]


class Stage:
    """The keys of one algorithm, and what KMS has made and deleted."""

    def __init__(self) -> None:
        self.keys: tuple[SigningKey, ...] = (key(0, "current"),)
        self.made, self.lost = 1, set[str]()

    def run(self, now: int, max_age_s: int) -> Step:
        step = next_step(self.keys, now, max_age_s, self.lost)
        if step.key is None:
            step = Step(step.action, key(self.made), step.old)
            self.made += 1
        self.keys = take_step(self.keys, step, now)
        return step


@given(GAPS, LOSSES, AGES)
def test_one_key_signs_after_any_step_and_one_is_next_at_most(
    gaps: list[int], losses: dict[int, str], max_age_s: int
) -> None:
    stage, now = Stage(), NOW
    for number, gap in enumerate(gaps):
        now += gap
        stage.lost |= {one.kid for one in stage.keys if one.status == losses.get(number)}
        stage.run(now, max_age_s)

        assert (statuses(stage.keys).count("current"), statuses(stage.keys).count("next") <= 1) == (1, True)
        assert len({one.kid for one in stage.keys}) == len(stage.keys)


@given(GAPS, AGES)
def test_no_key_signs_before_it_was_published_or_leaves_before_its_last_token(gaps: list[int], max_age_s: int) -> None:
    stage, now, published_at, signed_until = Stage(), NOW, {"kid0": 0}, dict[str, int]()
    for gap in gaps:
        now += gap
        step = stage.run(now, max_age_s)
        if step.action == "make" and step.key:
            published_at[step.key.kid] = now
        if step.action == "promote" and step.key and step.old:
            signed_until[step.old.kid] = now
            assert now - published_at[step.key.kid] >= PUBLISH_S
        if step.action == "retire" and step.key:
            assert now - signed_until[step.key.kid] >= RETIRE_S


@given(GAPS)
def test_step_that_waits_ends_when_it_says(gaps: list[int]) -> None:
    stage, now = Stage(), NOW
    for gap in gaps:
        now += gap
        step = stage.run(now, 90 * DAY_S)
        if step.action == "wait":
            assert next_step(stage.keys, step.until - 1, 90 * DAY_S).action == "wait"
            assert next_step(stage.keys, step.until, 90 * DAY_S).action != "wait"


def test_hourly_runs_replace_the_key_every_ninety_days() -> None:
    stage, promoted = Stage(), list[int]()
    for hour in range(2 * 365 * 24):
        if stage.run(NOW + hour * 3600, 90 * DAY_S).action == "promote":
            promoted.append(hour // 24)

    # Ninety days, and the hours for which the next key is published.
    assert (promoted[0], len(promoted)) == (90, 8)
    assert {later - earlier for earlier, later in pairwise(promoted)} <= {90, 91}
