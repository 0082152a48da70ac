"""`gatehouse deploy`: its refusals, and its words if a half of it fails."""

import io
import json
import zipfile
from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner

from infra.cli.main import app
from infra.deploy.api import DeployedApi
from infra.deploy.deploy import DeployFailed, DeployNotStarted, deploy_stage, deployed_api
from infra.errors import OperatorError
from infra.gateway.responses import load_gateway_responses
from infra.stage.aws import Stage
from infra.stage.chalice_config import issuer_of, set_variable

PYTHON = (3, 12)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the stage dev, never deployed."""
    (tmp_path / ".chalice" / "deployed").mkdir(parents=True)
    stages = {name: {"api_gateway_stage": "live"} for name in ("dev", "prod")}
    config = {"version": "2.0", "app_name": "gatehouse", "stages": stages}
    (tmp_path / ".chalice" / "config.json").write_text(json.dumps(config))
    (tmp_path / "requirements.txt").touch()
    return tmp_path


def record(project: Path, rest_api_id: str) -> None:
    function = {"resource_type": "lambda_function", "name": "api_handler"}
    url = f"https://{rest_api_id}.execute-api.eu-west-1.amazonaws.com/live/"
    api = {"resource_type": "rest_api", "rest_api_id": rest_api_id, "rest_api_url": url}
    (project / ".chalice" / "deployed" / "dev.json").write_text(json.dumps({"resources": [function, api]}))


def unexpected(stage: str, project: Path) -> bool:
    raise AssertionError("nothing may be deployed")


def test_unknown_stage_is_refused_with_the_known_ones(project: Path) -> None:
    with pytest.raises(
        DeployNotStarted, match=r"^No stage `test` in \.chalice/config\.json \(known are `dev`, `prod`\)\."
    ):
        deploy_stage("test", project, unexpected, PYTHON)


def test_missing_requirements_are_refused(project: Path) -> None:
    (project / "requirements.txt").unlink()
    with pytest.raises(DeployNotStarted, match=r"^requirements\.txt is missing"):
        deploy_stage("dev", project, unexpected, PYTHON)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        "[]",
        '"x"',
        '{"stages": null}',
        '{"stages": []}',
        '{"stages": {"dev": null}}',
        '{"stages": {"dev": {"environment_variables": null}}}',
        '{"stages": {"dev": {"environment_variables": {"GATEHOUSE_ISSUER": 5}}}}',
        '{"stages": {"dev": {"lambda_functions": []}}}',
        '{"stages": {"dev": {"lambda_functions": {"api_handler": null}}}}',
        '{"environment_variables": [], "stages": {"dev": {}}}',
    ],
)
def test_configuration_that_cannot_be_read_is_refused(project: Path, text: str) -> None:
    (project / ".chalice" / "config.json").write_text(text)
    with pytest.raises(DeployNotStarted, match=r"holds no readable \.chalice/config\.json"):
        deploy_stage("dev", project, unexpected, PYTHON)
    with pytest.raises(OperatorError, match=r"holds no readable \.chalice/config\.json"):
        set_variable("dev", "GATEHOUSE_ISSUER", "https://login.example.com/", project)
    assert (project / ".chalice" / "config.json").read_text() == text


@pytest.mark.parametrize("python", [(3, 10), (3, 11)])
def test_runtime_that_aws_creates_no_more_is_refused_before_anything_begins(
    project: Path, python: tuple[int, int]
) -> None:
    with pytest.raises(DeployNotStarted, match=r"creates no functions on Python 3\.11 or older.*PYTHON=python3\.12$"):
        deploy_stage("dev", project, unexpected, python)


def test_failure_of_chalice_ends_it(project: Path, stage: Stage) -> None:
    record(project, boto3.client("apigateway").create_rest_api(name="deployed")["id"])
    with pytest.raises(DeployFailed, match=r"^chalice deploy failed"):
        deploy_stage("dev", project, lambda stage, root: False, PYTHON)


def test_stage_without_a_rest_api_has_no_address(project: Path) -> None:
    with pytest.raises(DeployFailed, match=r"^\.chalice/deployed/dev\.json names no REST API"):
        deployed_api("dev", project)


def test_recorded_api_is_read_with_its_stage(project: Path) -> None:
    record(project, "abc123")
    url = "https://abc123.execute-api.eu-west-1.amazonaws.com/live/"
    assert deployed_api("dev", project) == DeployedApi("abc123", "live", url)


def make_function(name: str) -> None:
    """Make a function of this name, as Chalice does."""
    role = boto3.client("iam").create_role(RoleName=f"role-of-{name}", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "")
    boto3.client("lambda").create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.12",
        Handler="app.management",
        Code={"ZipFile": packed.getvalue()},
    )


def test_answers_are_put_after_chalice_has_deployed(project: Path, stage: Stage) -> None:
    client = boto3.client("apigateway")
    api = client.create_rest_api(name="deployed")["id"]
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    client.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    client.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")

    def chalice(stage: str, root: Path) -> bool:
        record(root, api)
        make_function("gatehouse-dev-management")
        return True

    assert deploy_stage("dev", project, chalice, PYTHON).rest_api_id == api
    put = client.get_gateway_responses(restApiId=api)["items"]
    assert {answer["responseType"] for answer in put} == set(load_gateway_responses())
    assert client.get_stage(restApiId=api, stageName="live")["deploymentId"]


def test_failure_of_the_answers_says_what_is_deployed_and_what_is_not(project: Path, stage: Stage) -> None:
    client = boto3.client("apigateway")
    api = client.create_rest_api(name="deployed")["id"]
    record(project, api)

    def chalice(stage: str, root: Path) -> bool:
        client.delete_rest_api(restApiId=api)
        return True

    with pytest.raises(
        DeployFailed, match=r"(?s)^AWS: .*NotFoundException.*The function is deployed, but .* run again"
    ):
        deploy_stage("dev", project, chalice, PYTHON)


def test_command_says_why_it_refused() -> None:
    result = CliRunner().invoke(app, ["deploy", "--stage", "nowhere"])
    assert result.exit_code == 2
    assert (
        result.stderr
        == "No stage `nowhere` in .chalice/config.json (known are `dev`, `prod`). Add a new stage there first.\n"
    )


def test_issuer_of_a_stage_is_what_its_configuration_says(project: Path) -> None:
    before = issuer_of("dev", project)
    set_variable("dev", "GATEHOUSE_ISSUER", "https://login.example.com/", project)
    after = issuer_of("dev", project)
    set_variable("dev", "GATEHOUSE_ISSUER", "", project)

    assert (before, after, issuer_of("dev", project)) == ("", "https://login.example.com/", "")
