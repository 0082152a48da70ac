"""A deployment finds the API of its stage in the account, whoever deployed it before (docs/adr/0027)."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from infra.deploy.api import UnclearApi, adopt_api, recorded_api
from infra.deploy.deploy import DeployFailed, deployed_api
from infra.stage.aws import Stage

APP = "adopting"
TAG = "version=1.34.0:stage={stage}:app={app}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A fresh clone: the stages are listed, and nothing is recorded."""
    (tmp_path / ".chalice").mkdir()
    stages = {name: {"api_gateway_stage": "live"} for name in ("dev", "prod")}
    config = {"version": "2.0", "app_name": APP, "stages": stages}
    (tmp_path / ".chalice" / "config.json").write_text(json.dumps(config))
    return tmp_path


@pytest.fixture(autouse=True)
def account(stage: Stage) -> Iterator[None]:
    """Take away what the tests made: all of them share one account."""
    yield
    client, functions = boto3.client("apigateway"), boto3.client("lambda")
    for api in client.get_rest_apis()["items"]:
        client.delete_rest_api(restApiId=api["id"])
    for function in functions.list_functions()["Functions"]:
        functions.delete_function(FunctionName=function["FunctionName"])


def make_function(stage: str, tag: str = TAG) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "")
    role = boto3.client("iam").create_role(RoleName=f"{APP}-{stage}-{tag[:3]}", AssumeRolePolicyDocument="{}")["Role"]
    made = boto3.client("lambda").create_function(
        FunctionName=f"{APP}-{stage}",
        Runtime="python3.12",
        Role=role["Arn"],
        Handler="app.app",
        Code={"ZipFile": packed.getvalue()},
        Tags={"aws-chalice": tag.format(stage=stage, app=APP)},
    )
    boto3.client("iam").delete_role(RoleName=role["RoleName"])
    return str(made["FunctionArn"])


def make_api(function_arn: str, name: str = APP) -> str:
    client = boto3.client("apigateway")
    api = client.create_rest_api(name=name)["id"]
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    client.put_method(restApiId=api, resourceId=root, httpMethod="POST", authorizationType="NONE")
    uri = f"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{function_arn}/invocations"
    client.put_integration(
        restApiId=api, resourceId=root, httpMethod="POST", type="AWS_PROXY", integrationHttpMethod="POST", uri=uri
    )
    return str(api)


def test_first_deployment_adopts_nothing(project: Path) -> None:
    assert adopt_api("dev", project) is None
    assert recorded_api("dev", project) is None


def test_fresh_clone_adopts_the_api_of_its_stage_and_records_it(project: Path) -> None:
    api = make_api(make_function("dev"))
    adopted = adopt_api("dev", project)

    assert adopted
    assert (adopted.rest_api_id, adopted.stage) == (api, "live")
    assert adopted.url == f"https://{api}.execute-api.eu-west-1.amazonaws.com/live/"
    assert recorded_api("dev", project) == adopted
    record = json.loads((project / ".chalice" / "deployed" / "dev.json").read_text())
    assert (record["schema_version"], record["backend"]) == ("2.0", "api")
    assert adopt_api("dev", project) is None


def test_api_of_another_stage_is_not_adopted(project: Path) -> None:
    make_api(make_function("prod"))
    make_function("dev")

    assert adopt_api("dev", project) is None


def test_api_of_another_app_is_not_adopted(project: Path) -> None:
    make_api(make_function("dev"), name="another")

    assert adopt_api("dev", project) is None


def test_function_that_chalice_did_not_make_for_this_stage_counts_for_nothing(project: Path) -> None:
    make_api(make_function("dev", "version=1.34.0:stage=other:app=adopting"))

    assert adopt_api("dev", project) is None


def test_api_whose_function_was_deleted_by_hand_is_adopted(project: Path) -> None:
    api = make_api(make_function("dev"))
    boto3.client("lambda").delete_function(FunctionName=f"{APP}-dev")
    adopted = adopt_api("dev", project)

    assert adopted
    assert adopted.rest_api_id == api


def test_several_apis_are_refused_with_their_ids_and_the_mend(project: Path) -> None:
    function = make_function("dev")
    apis = [make_api(function), make_api(function)]

    with pytest.raises(UnclearApi) as refused:
        adopt_api("dev", project)
    assert all(f"  {api}  https://{api}." in str(refused.value) for api in apis)
    assert "aws apigateway delete-rest-api --rest-api-id ID" in str(refused.value)
    assert recorded_api("dev", project) is None


def write_record(project: Path, api: str) -> None:
    folder = project / ".chalice" / "deployed"
    folder.mkdir()
    role = {"name": "role", "resource_type": "iam_role", "role_arn": "arn", "role_name": "role"}
    url = f"https://{api}.execute-api.eu-west-1.amazonaws.com/live/"
    resource = {"name": "rest_api", "resource_type": "rest_api", "rest_api_id": api, "rest_api_url": url}
    record = {"resources": [role, resource], "schema_version": "2.0", "backend": "api"}
    (folder / "dev.json").write_text(json.dumps(record))


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"resources": [{"resource_type": "rest_api"}]}'])
def test_record_that_was_cut_off_is_said_with_the_mend(project: Path, text: str) -> None:
    (project / ".chalice" / "deployed").mkdir()
    (project / ".chalice" / "deployed" / "dev.json").write_text(text)

    with pytest.raises(UnclearApi, match=r"^\.chalice/deployed/dev\.json is no record .* Delete it: "):
        adopt_api("dev", project)
    with pytest.raises(DeployFailed, match="Delete it: "):
        deployed_api("dev", project)


def test_recorded_api_that_is_there_is_kept_though_there_is_another(project: Path) -> None:
    function = make_function("dev")
    recorded, _ = make_api(function), make_api(function)
    write_record(project, recorded)

    assert adopt_api("dev", project) is None
    known = recorded_api("dev", project)
    assert known
    assert known.rest_api_id == recorded


def test_record_of_an_api_that_is_gone_gives_way_to_the_one_that_is_there(project: Path) -> None:
    api = make_api(make_function("dev"))
    write_record(project, "gone")
    adopted = adopt_api("dev", project)

    assert adopted
    assert adopted.rest_api_id == api
    kinds = [
        one["resource_type"] for one in json.loads((project / ".chalice/deployed/dev.json").read_text())["resources"]
    ]
    assert kinds == ["iam_role", "rest_api"]


def test_record_of_another_account_is_refused_with_the_mend(project: Path) -> None:
    write_record(project, "elsewhere")

    with pytest.raises(UnclearApi) as refused:
        adopt_api("dev", project)
    words = str(refused.value)
    assert ".chalice/deployed/dev.json names the REST API elsewhere" in words
    assert "AWS_PROFILE" in words
    assert "another URL and issuer" in words
