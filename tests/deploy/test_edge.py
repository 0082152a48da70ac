"""The edge of a deployed stage: its throttling, its access log, and what its functions reserve."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.deploy.edge.access_log import FORMAT
from tests.deploy.conftest import FUNCTIONS, ON_ONE_WORKER, Deployment

pytestmark = ON_ONE_WORKER


def stage_of(deployment: Deployment) -> Any:
    return deployment.aws.client("apigateway").get_stage(restApiId=deployment.rest_api_id, stageName="dev")


def test_deployed_stage_is_throttled_logins_and_accounts_lower_than_the_rest(deployment: Deployment) -> None:
    settings = stage_of(deployment)["methodSettings"]
    rates = {name: one["throttlingRateLimit"] for name, one in settings.items()}

    assert rates["~1accounts~1verify_email/POST"] < rates["~1oauth~1token/POST"] < rates["*/*"]
    assert not any(one["dataTraceEnabled"] or one.get("loggingLevel", "OFF") != "OFF" for one in settings.values())
    assert "update  throttling of logins" in deployment.output


def test_deployed_stage_writes_an_access_log_into_the_group_that_up_made(deployment: Deployment) -> None:
    (group,) = deployment.aws.client("logs").describe_log_groups(logGroupNamePrefix="/gatehouse/dev/access")[
        "logGroups"
    ]

    assert stage_of(deployment)["accessLogSettings"] == {
        "destinationArn": group["arn"].removesuffix(":*"),
        "format": FORMAT,
    }
    assert group["retentionInDays"] == 90


def test_throttled_request_is_answered_as_an_oauth_error(deployment: Deployment) -> None:
    answer = deployment.aws.client("apigateway").get_gateway_response(
        restApiId=deployment.rest_api_id, responseType="THROTTLED"
    )
    headers = {
        name.removeprefix("gatewayresponse.header."): value for name, value in answer["responseParameters"].items()
    }
    body = json.loads(answer["responseTemplates"]["application/json"])

    assert (answer["statusCode"], list(body), body["error"]) == (
        "429",
        ["error", "error_description"],
        "too_many_requests",
    )
    assert (headers["Retry-After"], headers["Cache-Control"]) == ("'1'", "'no-store'")


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/.well-known/jwks.json"])
def test_copy_of_a_cache_before_the_deployed_api_is_confirmed(site: httpx.Client, path: str) -> None:
    first = site.get(path)
    again = site.get(path, headers={"If-None-Match": f"W/{first.headers['ETag']}"})

    assert (first.headers["Cache-Control"], again.headers["Cache-Control"]) == ("public, max-age=300",) * 2
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_reserve_and_limits_of_the_configuration_reach_the_stage_after_each_deployment(
    deployment: Deployment, tmp_path: Path
) -> None:
    root, functions = tmp_path / "clone", deployment.aws.client("lambda")
    shutil.copytree(deployment.project.root, root)
    config = root / ".chalice" / "config.json"
    document = json.loads(config.read_text("utf-8"))
    document["stages"]["dev"]["throttling"] = {"logins": {"rate": 7.5}}
    document["stages"]["dev"]["lambda_functions"]["api_handler"] = {"reserved_concurrency": 40}
    config.write_text(json.dumps(document), "utf-8")
    changed = replace(deployment.project, root=root).gatehouse("deploy", "--stage", "dev")
    limits = stage_of(deployment)["methodSettings"]["~1oauth~1token/POST"]
    reserved = [functions.get_function_concurrency(FunctionName=name) for name in FUNCTIONS]
    back = deployment.project.gatehouse("deploy", "--stage", "dev")

    assert [(run.returncode, run.stderr) for run in (changed, back)] == [(0, "")] * 2
    assert (limits["throttlingRateLimit"], limits["throttlingBurstLimit"]) == (7.5, 1000)
    assert [one.get("ReservedConcurrentExecutions") for one in reserved] == [40, *[None] * (len(FUNCTIONS) - 1)]
    assert stage_of(deployment)["methodSettings"]["~1oauth~1token/POST"]["throttlingRateLimit"] == 500
    # Chalice takes away what the configuration does not reserve.
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName="gatehouse-dev")
