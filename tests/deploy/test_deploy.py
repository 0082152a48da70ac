"""What `gatehouse deploy` leaves in AWS."""

import json

from infra.gateway_responses import load_gateway_responses
from tests.deploy.conftest import ON_ONE_WORKER, PROJECT, Deployment

pytestmark = ON_ONE_WORKER


def test_deploy_prints_the_url(deployment: Deployment) -> None:
    assert deployment.url == f"https://{deployment.rest_api_id}.execute-api.eu-west-1.amazonaws.com/dev/"
    assert deployment.output.rstrip().endswith(f"Stage dev is deployed: {deployment.url}")


def test_function_has_the_memory_time_and_environment_of_its_stage(deployment: Deployment) -> None:
    configuration = deployment.configuration
    assert (configuration["MemorySize"], configuration["Timeout"]) == (1024, 15)
    assert configuration["Environment"]["Variables"] == {"GATEHOUSE_STAGE": "dev", "RULE_PACKAGES": ""}


def test_only_role_has_only_the_policy_that_is_written_down(deployment: Deployment) -> None:
    iam = deployment.aws.client("iam")
    (role,) = iam.list_roles()["Roles"]
    (name,) = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
    assert deployment.configuration["Role"] == role["Arn"]
    assert document == json.loads((PROJECT / ".chalice" / "policy-dev.json").read_text("utf-8"))
    assert iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"] == []


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
