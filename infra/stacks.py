"""The CloudFormation stacks of a stage: what they would change, through change sets, and the change itself."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError

from infra.aws import Stage
from infra.plan import Change

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import WaiterConfigTypeDef

TEMPLATES = Path(__file__).parent
CHANGE_SET = "gatehouse-up"
NO_CHANGE = "didn't contain changes"
WAIT: "WaiterConfigTypeDef" = {"Delay": 2, "MaxAttempts": 300}


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack: its name, its template's text and its parameters."""

    name: str
    template: str
    parameters: dict[str, str]


class _NoChange(Exception):
    """AWS sees nothing to do, as after an edit of a comment."""


def stage_stacks(stage: str, realms: list[str]) -> list[Stack]:
    """Return the stacks that a stage with these realms has: its own, and one per realm."""
    realm_template = (TEMPLATES / "realm.yaml").read_text()
    return [
        Stack(f"gatehouse-{stage}", (TEMPLATES / "stage.yaml").read_text(), {"Stage": stage}),
        *(
            Stack(f"gatehouse-{stage}-realm-{realm}", realm_template, {"Stage": stage, "Realm": realm})
            for realm in realms
        ),
    ]


def stack_changes(stage: Stage, stack: Stack, dry_run: bool) -> list[Change]:
    """Return what makes the stack what its template says; do it unless dry_run. Nothing where it is so already."""
    cloudformation = stage.cloudformation
    deployed = _deployed_template(cloudformation, stack.name)
    if deployed is None:
        if not dry_run:
            _run(cloudformation, stack, _propose(cloudformation, stack, "CREATE"), "stack_create_complete")
        return [Change("create", f"stack {stack.name}")]
    if deployed == stack.template:
        return []
    try:
        change_set = _propose(cloudformation, stack, "UPDATE")
    except _NoChange:
        return []
    changes = [Change("update", f"stack {stack.name}", detail) for detail in _details(cloudformation, change_set)]
    if dry_run:
        cloudformation.delete_change_set(ChangeSetName=change_set)
    else:
        _run(cloudformation, stack, change_set, "stack_update_complete")
    return changes


def _deployed_template(cloudformation: "CloudFormationClient", name: str) -> str | None:
    try:
        (status,) = {found["StackStatus"] for found in cloudformation.describe_stacks(StackName=name)["Stacks"]}
        if status == "REVIEW_IN_PROGRESS":
            return None
        return str(cloudformation.get_template(StackName=name)["TemplateBody"])
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def _propose(cloudformation: "CloudFormationClient", stack: Stack, kind: Any) -> str:
    """Return the ARN of a change set; raises _NoChange."""
    change_set = cloudformation.create_change_set(
        StackName=stack.name,
        ChangeSetName=f"{CHANGE_SET}-{secrets.token_hex(4)}",
        ChangeSetType=kind,
        TemplateBody=stack.template,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
        Tags=[{"Key": "gatehouse-stage", "Value": stack.parameters["Stage"]}],
    )["Id"]
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=change_set, WaiterConfig=WAIT)
    except WaiterError as failure:
        # What failed would stand in the way of the next one of its name.
        cloudformation.delete_change_set(ChangeSetName=change_set)
        if NO_CHANGE in failure.last_response.get("StatusReason", ""):
            raise _NoChange from None
        raise
    return change_set


def _run(cloudformation: "CloudFormationClient", stack: Stack, change_set: str, until: Any) -> None:
    cloudformation.execute_change_set(ChangeSetName=change_set)
    cloudformation.get_waiter(until).wait(StackName=stack.name, WaiterConfig=WAIT)


def _details(cloudformation: "CloudFormationClient", change_set: str) -> Iterator[str]:
    for change in cloudformation.describe_change_set(ChangeSetName=change_set)["Changes"]:
        resource = change["ResourceChange"]
        replaced = " (REPLACED)" if resource.get("Replacement") == "True" else ""
        yield f"{resource['Action'].lower()} {resource['LogicalResourceId']}{replaced}"
