"""`gatehouse deploy`, by what it leaves in AWS."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.http.management import ROUTES as MANAGEMENT_ROUTES
from infra.gateway.responses import load_gateway_responses
from tests.deploy.conftest import EMAIL_FROM, ON_ONE_WORKER, PROJECT, Deployment

pytestmark = ON_ONE_WORKER

API, TELL_BLOCKED, MANAGEMENT = "gatehouse-dev", "gatehouse-dev-tell_blocked", "gatehouse-dev-management"
ROTATE_KEYS, EVENTS, HELP_DESK = "gatehouse-dev-rotate_keys", "gatehouse-dev-events", "gatehouse-dev-help_desk"


def test_deploy_prints_the_url(deployment: Deployment) -> None:
    assert deployment.url == f"https://{deployment.rest_api_id}.execute-api.eu-west-1.amazonaws.com/dev/"
    assert deployment.output.rstrip().endswith(f"Stage dev is deployed: {deployment.url}")


@pytest.mark.parametrize(
    ("name", "memory", "timeout_s"),
    [
        (API, 1024, 20),
        (TELL_BLOCKED, 512, 60),
        (ROTATE_KEYS, 512, 300),
        (MANAGEMENT, 1024, 15),
        (EVENTS, 512, 60),
        (HELP_DESK, 512, 15),
    ],
)
def test_function_has_its_memory_and_time_and_the_environment_of_its_stage(
    deployment: Deployment, name: str, memory: int, timeout_s: int
) -> None:
    configuration = deployment.configuration(name)
    assert (configuration["MemorySize"], configuration["Timeout"]) == (memory, timeout_s)
    variables = {
        "GATEHOUSE_STAGE": "dev",
        "GATEHOUSE_EMAIL_FROM": EMAIL_FROM,
        "RULE_PACKAGES": "",
        "MAIL_TEMPLATES": "",
        "IMPORT_PACKAGES": "",
    }
    assert configuration["Environment"]["Variables"] == variables


@pytest.mark.parametrize(
    ("function", "file"),
    [
        (API, "policy-dev.json"),
        (TELL_BLOCKED, "policy-dev-tell_blocked.json"),
        (ROTATE_KEYS, "policy-dev-rotate_keys.json"),
        (MANAGEMENT, "policy-dev-management.json"),
        (EVENTS, "policy-dev-events.json"),
        (HELP_DESK, "policy-dev-help_desk.json"),
    ],
)
def test_function_has_a_role_with_only_the_policy_that_is_written_down(
    deployment: Deployment, function: str, file: str
) -> None:
    iam, arn = deployment.aws.client("iam"), deployment.configuration(function)["Role"]
    (role,) = (found["RoleName"] for found in iam.list_roles()["Roles"] if found["Arn"] == arn)
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    assert document == json.loads((PROJECT / ".chalice" / file).read_text("utf-8"))
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []


def test_there_is_no_other_function_and_no_other_role(deployment: Deployment) -> None:
    functions = deployment.aws.client("lambda").list_functions()["Functions"]
    roles = deployment.aws.client("iam").list_roles()["Roles"]
    assert {one["FunctionName"] for one in functions} == {API, TELL_BLOCKED, ROTATE_KEYS, MANAGEMENT, EVENTS, HELP_DESK}
    assert {one["Arn"] for one in roles} == {one["Role"] for one in functions}
    assert len(roles) == len(functions)


def test_management_api_is_in_the_same_api_and_may_call_its_function(deployment: Deployment) -> None:
    resources = deployment.aws.client("apigateway").get_resources(
        restApiId=deployment.rest_api_id, limit=500, embed=["methods"]
    )["items"]
    called = {
        resource["path"]: {one["methodIntegration"]["uri"].split(":")[-1] for one in methods.values()}
        for resource in resources
        if (methods := resource.get("resourceMethods", {}))
    }
    arn = deployment.configuration(MANAGEMENT)["FunctionArn"]
    policy = json.loads(deployment.aws.client("lambda").get_policy(FunctionName=MANAGEMENT)["Policy"])
    # moto keeps the same permission twice, which AWS refuses.
    allowed = policy["Statement"][0]

    assert {path for path in called if path.startswith("/api/v2/")} == {route.path for route in MANAGEMENT_ROUTES}
    for path, functions in called.items():
        assert functions == {f"{MANAGEMENT if path.startswith('/api/v2/') else API}/invocations"}
    assert (allowed["Principal"], allowed["Resource"]) == ({"Service": "apigateway.amazonaws.com"}, arn)
    assert f":{deployment.rest_api_id}/*" in json.dumps(allowed["Condition"])


def test_every_answer_of_api_gateway_is_ours(deployment: Deployment) -> None:
    put = deployment.aws.client("apigateway").get_gateway_responses(restApiId=deployment.rest_api_id)["items"]
    answers = {answer["responseType"]: answer for answer in put}
    unknown = answers["MISSING_AUTHENTICATION_TOKEN"]
    assert set(answers) == set(load_gateway_responses())
    assert unknown["statusCode"] == "404"
    assert json.loads(unknown["responseTemplates"]["application/json"])["error"] == "not_found"
    assert unknown["responseParameters"]["gatewayresponse.header.X-Request-Id"] == "context.requestId"
    assert unknown["responseParameters"]["gatewayresponse.header.Cache-Control"] == "'no-store'"
    assert "statusCode" not in answers["DEFAULT_5XX"]


def test_answers_of_api_gateway_are_deployed(deployment: Deployment) -> None:
    client, api = deployment.aws.client("apigateway"), deployment.rest_api_id
    stage = client.get_stage(restApiId=api, stageName="dev")
    last = client.get_deployment(restApiId=api, deploymentId=stage["deploymentId"])
    assert last["description"] == "API Gateway's own answers"


def test_second_deploy_updates_the_same_api(deployment: Deployment) -> None:
    again = deployment.project.gatehouse("deploy", "--stage", "dev")
    client = deployment.aws.client("apigateway")
    (api,) = client.get_rest_apis()["items"]
    assert (again.returncode, again.stderr) == (0, "")
    assert deployment.url in again.stdout
    assert api["id"] == deployment.rest_api_id
    assert api["endpointConfiguration"]["types"] == ["REGIONAL"]


def test_fresh_clone_updates_the_same_api(deployment: Deployment, tmp_path: Path) -> None:
    copied = tmp_path / "clone"
    shutil.copytree(deployment.project.root, copied, ignore=shutil.ignore_patterns("deployed", "deployments"))
    again = replace(deployment.project, root=copied).gatehouse("deploy", "--stage", "dev")

    (api,) = deployment.aws.client("apigateway").get_rest_apis()["items"]
    assert (again.returncode, again.stderr) == (0, "")
    assert f"Stage dev is deployed already, from elsewhere: {deployment.url} is updated" in again.stdout
    assert api["id"] == deployment.rest_api_id


def test_function_runs_on_the_python_that_deployed_it(deployment: Deployment) -> None:
    code = "import sys; print('python{}.{}'.format(*sys.version_info))"
    said = subprocess.run([deployment.project.python, "-c", code], capture_output=True, text=True, check=True)
    assert deployment.configuration()["Runtime"] == said.stdout.strip()
    assert deployment.configuration()["Runtime"] in ("python3.12", "python3.13")
