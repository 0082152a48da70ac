"""Find the REST API of a deployed stage: in Chalice's record, and in the AWS account.

Chalice finds functions and roles by their names, but the API only by `.chalice/deployed/STAGE.json`. Without that
file, as in a fresh clone, it makes a second API, with another URL and so another issuer (docs/adr/0027).
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.config import Config

from infra.stage.aws import PATIENT, new_session
from infra.stage.chalice_config import app_name, gateway_stage

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient

# API Gateway allows few calls a second.
VERY_PATIENT = Config(retries={"mode": "adaptive", "total_max_attempts": 10})
# Chalice's form of the record (chalice.deploy.deployer).
RECORD_VERSION = {"schema_version": "2.0", "backend": "api"}
TAG = "aws-chalice"


class UnclearApi(Exception):
    """It is not clear which API to deploy to; the message says what to do."""


@dataclass(frozen=True, slots=True)
class DeployedApi:
    """One REST API. stage: API Gateway's name of the stage. url: with its final slash."""

    rest_api_id: str
    stage: str
    url: str


@dataclass(frozen=True, slots=True)
class AwsAccount:
    """The AWS account and Region of the environment, in which this project's APIs are looked up."""

    project: Path

    def has(self, api: DeployedApi) -> bool:
        """Return whether this account and Region have the API."""
        client = self.apigateway()
        try:
            client.get_rest_api(restApiId=api.rest_api_id)
        except client.exceptions.NotFoundException:
            return False
        return True

    def apis_of(self, stage: str) -> list[DeployedApi]:
        """Return the APIs whose methods call the stage's function.

        The function must bear Chalice's tag, or be deleted while its API is still there.
        There are several APIs if deployments were cut short, or came from clones without a common record.
        """
        name = app_name(self.project)
        function = f"{name}-{stage}"
        tag = self._tag(function)
        if tag is not None and f"stage={stage}:app={name}" not in tag:
            return []
        gateway = gateway_stage(stage, self.project)
        region = self.apigateway().meta.region_name
        url = f"https://{{}}.execute-api.{region}.amazonaws.com/{gateway}/"
        return [DeployedApi(found, gateway, url.format(found)) for found in self._find_apis(name, function)]

    def apigateway(self) -> "APIGatewayClient":
        """Return a client of API Gateway that slows down when it is throttled."""
        return new_session().client("apigateway", config=VERY_PATIENT)

    def allow_calls(self, api: DeployedApi, function: str) -> None:
        """Allow an API to call a function. Raises botocore's ClientError if there is no such function."""
        client = new_session().client("lambda", config=PATIENT)
        arn = client.get_function_configuration(FunctionName=function)["FunctionArn"]
        _, partition, _, region, account, *_ = arn.split(":")
        with suppress(client.exceptions.ResourceConflictException):
            client.add_permission(
                FunctionName=function,
                # The same permission again is a conflict; another API's has another name.
                StatementId=f"api-{api.rest_api_id}",
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
                SourceArn=f"arn:{partition}:execute-api:{region}:{account}:{api.rest_api_id}/*",
            )

    def _tag(self, function: str) -> str | None:
        """Return Chalice's tag of a function, or "" if it has none. Return None if there is no such function."""
        client = new_session().client("lambda", config=PATIENT)
        try:
            tags = client.get_function(FunctionName=function).get("Tags", {})
        except client.exceptions.ResourceNotFoundException:
            return None
        return str(tags.get(TAG, ""))

    def _find_apis(self, name: str, function: str) -> Iterator[str]:
        client = self.apigateway()
        for page in client.get_paginator("get_rest_apis").paginate():
            for api in page["items"]:
                if api["name"] == name and self._calls(client, api["id"], function):
                    yield api["id"]

    def _calls(self, client: "APIGatewayClient", rest_api_id: str, function: str) -> bool:
        pages = client.get_paginator("get_resources").paginate(restApiId=rest_api_id, embed=["methods"])
        methods = (one for page in pages for item in page["items"] for one in item.get("resourceMethods", {}).values())
        uris = (one.get("methodIntegration", {}).get("uri", "") for one in methods)
        return any(f":function:{function}/invocations" in uri for uri in uris)


def record_of(stage: str, project: Path) -> Path:
    """Return the file in which Chalice records what it deployed from this project."""
    return project / ".chalice" / "deployed" / f"{stage}.json"


def recorded_api(stage: str, project: Path) -> DeployedApi | None:
    """Return the API of this project's record, or None. Raises UnclearApi if the record is broken."""
    record = record_of(stage, project)
    try:
        resources = json.loads(record.read_text("utf-8"))["resources"] if record.exists() else []
        for resource in resources:
            if resource["resource_type"] == "rest_api":
                url = str(resource["rest_api_url"])
                return DeployedApi(str(resource["rest_api_id"]), url.rstrip("/").rpartition("/")[2], url)
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise UnclearApi(_broken_record(record.relative_to(project))) from fault
    return None


def require_api(stage: str, project: Path) -> DeployedApi:
    """Return the API of a deployed stage, wherever it was deployed from. Raises UnclearApi if there is not just one."""
    found = AwsAccount(project).apis_of(stage)
    if len(found) > 1:
        raise UnclearApi(_several_apis(stage, found))
    if not found:
        raise UnclearApi(f"Stage {stage} has no API in this account and Region yet: gatehouse deploy --stage {stage}")
    return found[0]


def adopt_api(stage: str, project: Path) -> DeployedApi | None:
    """Return the API that this deployment takes over, or None. It is one that this project's record does not name.

    The API is written into the record. Raises UnclearApi if there are several, or if the recorded one is not in this
    account and Region.
    """
    account, known = AwsAccount(project), recorded_api(stage, project)
    if known and account.has(known):
        return None
    found = account.apis_of(stage)
    if len(found) > 1:
        raise UnclearApi(_several_apis(stage, found))
    if known and not found:
        raise UnclearApi(_missing_api(known, record_of(stage, project).relative_to(project)))
    if not found:
        return None
    _write_record(stage, project, found[0])
    return found[0]


def _write_record(stage: str, project: Path, api: DeployedApi) -> None:
    resource = {
        "name": "rest_api",
        "resource_type": "rest_api",
        "rest_api_id": api.rest_api_id,
        "rest_api_url": api.url,
    }
    record = record_of(stage, project)
    kept = json.loads(record.read_text("utf-8"))["resources"] if record.exists() else []
    others = [one for one in kept if one["resource_type"] != "rest_api"]
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"resources": [*others, resource], **RECORD_VERSION}, indent=2) + "\n", "utf-8")


def _several_apis(stage: str, found: list[DeployedApi]) -> str:
    lines = "\n".join(f"  {api.rest_api_id}  {api.url}" for api in found)
    return (
        f"Stage {stage} has {len(found)} REST APIs in this account and Region, each with a URL and issuer of its own:\n"
        f"{lines}\n"
        "Keep the one that clients use. Delete the others: aws apigateway delete-rest-api --rest-api-id ID"
    )


def _broken_record(record: Path) -> str:
    return (
        f"{record} is no record of Chalice's, as after a run that was cut off. Delete it: deploy finds the stage's API."
    )


def _missing_api(known: DeployedApi, record: Path) -> str:
    return (
        f"{record} names the REST API {known.rest_api_id}, which is not in this account and Region. "
        "Check AWS_PROFILE and AWS_REGION. If the API was deleted, delete that file: "
        "the next deployment makes another API, with another URL and issuer."
    )
