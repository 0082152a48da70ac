"""The deployed schedule of the signing keys: the zip's own function takes each step on the emulated AWS."""

import json
from pathlib import Path

from tests.deploy.conftest import ON_ONE_WORKER, Deployment
from tests.deploy.rotations import published, rotate_once, run_rotation
from tests.support.lambda_runtime import Environment

pytestmark = ON_ONE_WORKER


def test_deployed_function_makes_promotes_and_retires_keys(
    deployment: Deployment, rotating: Environment, rotation_log: Path
) -> None:
    assert rotate_once(deployment, rotating) == [["current", "next"], ["current", "previous"], ["current"]]

    lines = [json.loads(line) for line in rotation_log.read_text("utf-8").splitlines() if '"event":"keys"' in line]
    assert [step.split()[0] for line in lines[-3:] for step in line["steps"] if " RS256 " in step] == [
        "make",
        "promote",
        "retire",
    ]


def test_run_without_a_step_to_take_logs_the_age_of_the_keys(
    deployment: Deployment, rotating: Environment, rotation_log: Path
) -> None:
    before = published(deployment)
    run_rotation(rotating)
    line = json.loads(rotation_log.read_text("utf-8").splitlines()[-1])

    assert (line["event"], line["key_age_days"], line["keys"]["RS256"]) == ("keys", 0, 0)
    assert published(deployment) == before


def test_schedule_fires_each_hour_and_may_call_its_function(deployment: Deployment) -> None:
    events = deployment.aws.client("events")
    (rule,) = (one for one in events.list_rules()["Rules"] if "rotate_keys" in one["Name"])
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]

    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 hour)", "ENABLED")
    assert target["Arn"] == deployment.configuration("gatehouse-dev-rotate_keys")["FunctionArn"]
