"""The deployed schedule: who is blocked is mailed, and the link lets them in again through the deployed API."""

from pathlib import Path

import httpx

from tests.deploy.blocks import added_person, block, mailed_link, run
from tests.deploy.conftest import ON_ONE_WORKER, Deployment
from tests.deploy.logins import SECRET_LOGIN
from tests.support.lambda_runtime import Environment

pytestmark = ON_ONE_WORKER


def test_blocked_person_is_mailed_a_link_that_lets_them_in(
    site: httpx.Client, deployment: Deployment, schedule: Environment
) -> None:
    person = added_person(deployment, "told")
    block(site, person)
    run(schedule)
    link = mailed_link(deployment, "told@example.com")
    shown = [site.request(method, link) for method in ("GET", "HEAD")]
    still_blocked = site.post("/oauth/token", data=SECRET_LOGIN | person).status_code
    pressed = site.post("/u/unblock", data={"ticket": link.partition("=")[2]})

    assert [(one.status_code, one.headers["Content-Type"]) for one in shown] == [(200, "text/html; charset=utf-8")] * 2
    assert (still_blocked, pressed.status_code) == (429, 200)
    assert site.post("/oauth/token", data=SECRET_LOGIN | person).status_code == 200


def test_run_without_anybody_to_tell_prints_nothing(schedule: Environment, schedule_log: Path) -> None:
    run(schedule)
    before = schedule_log.read_text("utf-8")
    run(schedule)

    assert schedule_log.read_text("utf-8") == before


def test_schedule_fires_each_minute_and_may_call_its_function(deployment: Deployment) -> None:
    events = deployment.aws.client("events")
    (rule,) = (one for one in events.list_rules()["Rules"] if "tell_blocked" in one["Name"])
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]

    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    assert target["Arn"] == deployment.configuration("gatehouse-dev-tell_blocked")["FunctionArn"]
