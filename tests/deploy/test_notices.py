"""The deployed schedule: who is blocked is mailed, and the link lets them in again through the deployed API."""

from pathlib import Path

import httpx

from tests.deploy.blocks import added_person, block, mailed_link, run
from tests.deploy.conftest import ON_ONE_WORKER, Deployment
from tests.deploy.lambda_runtime import Environment
from tests.deploy.logins import SECRET_LOGIN

pytestmark = ON_ONE_WORKER


def test_blocked_person_is_mailed_a_link_that_lets_them_in(
    site: httpx.Client, deployment: Deployment, schedule: Environment
) -> None:
    person = added_person(deployment, "told")
    block(site, person)
    run(schedule)
    answer = site.get(mailed_link(deployment, "told@example.com"))

    assert (answer.status_code, answer.json()["message"]) == (200, "The account is unblocked. You can log in again.")
    assert site.post("/oauth/token", data=SECRET_LOGIN | person).status_code == 200


def test_run_without_anybody_to_tell_prints_nothing(schedule: Environment, schedule_log: Path) -> None:
    run(schedule)
    before = schedule_log.read_text("utf-8")
    run(schedule)

    assert schedule_log.read_text("utf-8") == before


def test_schedule_fires_each_minute_and_may_call_its_function(deployment: Deployment) -> None:
    events = deployment.aws.client("events")
    (rule,) = events.list_rules()["Rules"]
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]

    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    assert target["Arn"] == deployment.configuration("gatehouse-dev-tell_blocked")["FunctionArn"]
