"""Put a stage's web ACL before its API, and take it away. The API exists only once it is deployed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.deploy.api import AwsAccount, DeployedApi
from infra.errors import OperatorError
from infra.stage.aws import PATIENT, Stage, new_session
from infra.stage.chalice_config import stage_environment
from infra.stage.changes import PlannedChange
from infra.stage.cloudformation.stack_status import find_stack
from infra.stage.cloudformation.web_acl import WebAcl, acl_name, stack_name, web_acl_changes, web_acl_deletion

# The output of infra/stage/waf.yaml.
ARN_OUTPUT = "WebAclArn"
ATTEMPTS, PAUSE_S = 12, 5
TRUSTED_PROXIES = "GATEHOUSE_TRUSTED_PROXIES"
BEHIND_PROXIES = (
    f"{TRUSTED_PROXIES} is set, so the API sees addresses of proxies, and a web ACL there counts each as one caller. "
    "Put a web ACL before the first proxy, such as CloudFront. `gatehouse up --no-waf` takes away the one there."
)


def protection_changes(stage: Stage, project: Path, wanted: WebAcl, dry_run: bool) -> list[PlannedChange]:
    """Return the changes that put a web ACL of these settings before the stage's API, and make them unless dry_run.

    Raises OperatorError, before anything is made, if the API has another web ACL, or proxies stand before it.
    """
    if is_behind_proxies(stage, project):
        raise OperatorError(BEHIND_PROXIES)
    open_apis = list(_unprotected(stage, project))
    changes = web_acl_changes(stage, wanted, dry_run)
    for api in () if dry_run else open_apis:
        _associate(stage, api)
    return [*changes, *(PlannedChange("create", _association(stage, api)) for api in open_apis)]


def protection_end(stage: Stage, project: Path, dry_run: bool) -> list[PlannedChange]:
    """Return the changes that take the stage's web ACL away, and make them unless dry_run."""
    if find_stack(stage.cloudformation, stack_name(stage.name)) is None:
        return []
    protected = [api for api, acl in _apis(stage, project) if is_ours(stage, acl)]
    for api in () if dry_run else protected:
        end_association(api)
    ended = [PlannedChange("delete", _association(stage, api)) for api in protected]
    return [*ended, *web_acl_deletion(stage, dry_run)]


def protect(stage: Stage, project: Path) -> bool:
    """Put the stage's web ACL before its API, if there is one. Return whether that changed something.

    Raises OperatorError if the API has another web ACL, or if proxies stand before it now.
    """
    if find_stack(stage.cloudformation, stack_name(stage.name)) is None:
        return False
    if is_behind_proxies(stage, project):
        raise OperatorError(BEHIND_PROXIES)
    open_apis = list(_unprotected(stage, project))
    for api in open_apis:
        _associate(stage, api)
    return bool(open_apis)


def is_behind_proxies(stage: Stage, project: Path) -> bool:
    """Return whether the project says that proxies stand before a stage's API."""
    return stage_environment(stage.name, project).get(TRUSTED_PROXIES, "0") != "0"


def acl_of(project: Path, api: DeployedApi) -> str:
    """Return the ARN of the web ACL before an API, or "" if there is none."""
    client = AwsAccount(project).apigateway()
    try:
        return client.get_stage(restApiId=api.rest_api_id, stageName=api.stage).get("webAclArn", "")
    except client.exceptions.NotFoundException:
        return ""


def is_ours(stage: Stage, acl: str) -> bool:
    """Return whether an ARN, or "", is that of the stage's own web ACL."""
    return f"/webacl/{acl_name(stage.name)}/" in acl


def end_association(api: DeployedApi) -> None:
    """Take the web ACL of an API away from it, whichever it is."""
    client = _wafv2()
    client.disassociate_web_acl(ResourceArn=_arn(client, api))


def _apis(stage: Stage, project: Path) -> Iterator[tuple[DeployedApi, str]]:
    """Yield the stage's APIs, each with the ARN of its web ACL or ""."""
    for api in AwsAccount(project).apis_of(stage.name):
        yield api, acl_of(project, api)


def _unprotected(stage: Stage, project: Path) -> Iterator[DeployedApi]:
    for api, acl in _apis(stage, project):
        if not acl:
            yield api
        elif not is_ours(stage, acl):
            raise OperatorError(
                f"REST API {api.rest_api_id} has another web ACL: {acl}. An API has one: take that away first."
            )


def _association(stage: Stage, api: DeployedApi) -> str:
    return f"web ACL {acl_name(stage.name)} before REST API {api.rest_api_id}"


def _associate(stage: Stage, api: DeployedApi) -> None:
    client, acl = _wafv2(), _find_acl(stage)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            client.associate_web_acl(WebACLArn=acl, ResourceArn=_arn(client, api))
            return
        # A web ACL that was just made is not known everywhere yet.
        except client.exceptions.WAFUnavailableEntityException:
            if attempt == ATTEMPTS:
                raise
            stage.pause(PAUSE_S)


def _find_acl(stage: Stage) -> str:
    """Return the ARN of the stage's web ACL. Raises OperatorError if its stack has none."""
    name = stack_name(stage.name)
    outputs = stage.cloudformation.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
    found = next((one["OutputValue"] for one in outputs if one["OutputKey"] == ARN_OUTPUT), "")
    if not found:
        raise OperatorError(f"Stack {name} made no web ACL: gatehouse up --waf --stage {stage.name} TENANT_FILE")
    return found


def _arn(client: Any, api: DeployedApi) -> str:
    """Return the ARN of an API's stage. Source: AWS WAF, AssociateWebACL."""
    region = client.meta.region_name
    return f"arn:{client.meta.partition}:apigateway:{region}::/restapis/{api.rest_api_id}/stages/{api.stage}"


def _wafv2() -> Any:
    """Return a client of AWS WAF. No stubs of it are installed, so it has no type."""
    make: Any = new_session().client
    return make("wafv2", config=PATIENT)
