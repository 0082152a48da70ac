"""`gatehouse deploy`: `chalice deploy`, and then API Gateway's own answers, which each of its runs overwrites."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import boto3
import typer
from botocore.config import Config

from chalicelib.rules.loading import BadRules
from infra.aws import AWS_FAILURES, said
from infra.chalice_config import PROJECT
from infra.commands import AWS_FAILED, REFUSED, StageOption, console
from infra.gateway_responses import put_gateway_responses
from infra.people import Refused
from infra.rule_packages import of_stage, require_deployable

CHALICE = (sys.executable, "-m", "infra.chalice_command")
# API Gateway takes one deployment in five seconds, and Chalice has just made one.
PATIENT = Config(retries={"mode": "adaptive", "total_max_attempts": 10})


class DeployFailed(Exception):
    """The stage is not, or not wholly, deployed; the message says what to do."""

    exit_code = AWS_FAILED


class DeployRefused(DeployFailed):
    """Nothing was tried: the project, the stage's name or a rule package is at fault."""

    exit_code = REFUSED


@dataclass(frozen=True, slots=True)
class DeployedApi:
    """The API as Chalice recorded it. stage: API Gateway's name for it. url: with its final slash."""

    rest_api_id: str
    stage: str
    url: str


def deploy(stage: StageOption) -> None:
    """Deploy the function and the API, with API Gateway's own answers in our form."""
    try:
        api = deploy_stage(stage)
    except DeployFailed as failure:
        typer.echo(str(failure), err=True)
        raise typer.Exit(failure.exit_code) from None
    console.print(f"Stage {stage} is deployed: {api.url}", highlight=False, soft_wrap=True)


def chalice_deploy(stage: str, project: Path) -> bool:
    """Run `chalice deploy` by this interpreter, whose version becomes the function's; return whether it succeeded."""
    run = subprocess.run([*CHALICE, "deploy", "--stage", stage], cwd=project, check=False)  # noqa: S603 (our own words)
    return run.returncode == 0


def deploy_stage(
    stage: str, project: Path = PROJECT, chalice: Callable[[str, Path], bool] = chalice_deploy
) -> DeployedApi:
    """Deploy the project, then put the answers; raises DeployFailed, and DeployRefused before anything begins."""
    _require_ready(stage, project)
    if not chalice(stage, project):
        raise DeployFailed(
            "chalice deploy failed, as it says above. The stage may be half deployed: mend it, run again."
        )
    api = deployed_api(stage, project)
    try:
        put_gateway_responses(boto3.client("apigateway", config=PATIENT), api.rest_api_id, api.stage)
    except AWS_FAILURES as failure:
        left = "The function is deployed, but unknown paths and oversized bodies get AWS's own answers: run again."
        raise DeployFailed(f"AWS: {said(failure)}\n{left}") from failure
    return api


def deployed_api(stage: str, project: Path = PROJECT) -> DeployedApi:
    """Return what Chalice deployed last from this project; raises DeployFailed where it never did."""
    record = project / ".chalice" / "deployed" / f"{stage}.json"
    resources = json.loads(record.read_text("utf-8"))["resources"] if record.exists() else []
    for resource in resources:
        if resource["resource_type"] == "rest_api":
            url = str(resource["rest_api_url"])
            return DeployedApi(str(resource["rest_api_id"]), url.rstrip("/").rpartition("/")[2], url)
    raise DeployFailed(f"{record.relative_to(project)} names no REST API: stage {stage} was not deployed from here.")


def _require_ready(stage: str, project: Path) -> None:
    try:
        packages = of_stage(stage, project)
        if not (project / "requirements.txt").exists():
            raise Refused("requirements.txt is missing, and with it the function's packages: make lock writes it.")
        require_deployable(packages, project)
    except (Refused, BadRules) as fault:
        raise DeployRefused(str(fault)) from fault
