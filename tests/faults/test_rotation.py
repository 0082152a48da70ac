"""The scheduled rotation, failing at each of its calls to AWS in each way: the next run goes on where it stopped."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chalicelib.rotation.steps import PUBLISH_S, RETIRE_S
from chalicelib.store.aws.caller import AwsRefused, AwsUnreachable
from infra.stage.aws import Stage
from tests.support.fixed import Clock
from tests.support.function_aws import Ask, around_calls, open_caller
from tests.support.rotation import DAY_S, Schedule, make_stage

# When each step is due, counted from the one before.
STEPS = {"make": 90 * DAY_S + 60, "promote": PUBLISH_S, "retire": RETIRE_S}
KINDS = ("not sent", "answer lost", "throttled")
CHANGING = ("CreateKey", "PutItem", "TagResource")


@dataclass
class Spoiler:
    """Fails the call of a number, counted from 0. made: the operations of the run."""

    number: int = -1
    kind: str = ""
    made: list[str] = field(default_factory=list)

    def __call__(self, operation: str, parameters: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        """Act around one call."""
        self.made.append(operation)
        if len(self.made) - 1 != self.number:
            return ask()
        if self.kind == "throttled":
            raise AwsRefused("ThrottlingException", {}, 400)
        if self.kind == "answer lost":
            ask()
        raise AwsUnreachable("ReadTimeoutError")


def statuses(stage: Stage) -> list[tuple[str, str]]:
    return [(key.alg, key.status) for key in stage.config().keys().keys]


def living_keys(stage: Stage) -> int:
    """Return how many keys of the stage that sign KMS has, without those that are retired."""
    kms, found = stage.clients.kms, 0
    for page in kms.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]}
            is_ours = tags.get("gatehouse-stage") == stage.name and "gatehouse-retired" not in tags
            found += is_ours and kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyUsage"] == "SIGN_VERIFY"
    return found


def due(directory: Path, clock: Clock, step: str) -> Schedule:
    """Return the schedule of a stage for which a step is due."""
    schedule = Schedule(make_stage(directory), clock, [])
    for name, wait_s in STEPS.items():
        clock.advance(wait_s)
        if name == step:
            break
        schedule.run()
    return schedule


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("step", STEPS)
def test_rotation_beside_another_at_any_call_takes_each_step_once(tmp_path: Path, clock: Clock, step: str) -> None:
    schedule = due(tmp_path, clock, step)
    own, config, before = schedule.stage, schedule.stage.config(), schedule.stage.config().keys()
    with around_calls(own, whole := Spoiler()):
        schedule.run()
    expected = statuses(own)
    for number in range(len(whole.made)):
        assert config.replace_keys(config.keys(), before)
        made = itertools.count()

        def overtake(_: str, __: Mapping[str, Any], ask: Ask, number: int = number, made: Any = made) -> dict[str, Any]:
            if next(made) == number:
                arounds = open_caller(own).arounds
                arounds.clear()
                schedule.run()
            return ask()

        open_caller(own).arounds.append(overtake)
        line = schedule.run()
        open_caller(own).arounds.clear()

        assert "error" not in line, whole.made[number]
        assert statuses(own) == expected, whole.made[number]


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("step", STEPS)
def test_rotation_that_failed_at_any_call_ends_the_same_at_its_next_run(
    tmp_path: Path, clock: Clock, step: str
) -> None:
    schedule = due(tmp_path, clock, step)
    own, config = schedule.stage, schedule.stage.config()
    before = config.keys()
    with around_calls(own, whole := Spoiler()):
        schedule.run()
    expected, keys, made = statuses(own), living_keys(own), config.keys()
    for number, operation in enumerate(whole.made):
        # Of a call that changes nothing, a lost answer is the same as no call.
        for kind in KINDS if operation in CHANGING else ("throttled",):
            assert config.replace_keys(config.keys(), before)
            with around_calls(own, Spoiler(number, kind)):
                line = schedule.run()
            between = statuses(own)
            after = schedule.run()

            assert [key.status for key in config.keys().of("RS256")].count("current") == 1
            assert "error" in line or "key_age_days" not in line, (operation, kind)
            assert len(between) in (len(before.keys), len(before.keys) + 1, len(before.keys) - 1, len(expected))
            assert (statuses(own), "error" in after, living_keys(own)) == (expected, False, keys), (operation, kind)
    assert made.algs == config.keys().algs
