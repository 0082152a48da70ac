"""The CloudFormation stacks of a stage: what they would change, through change sets, and the change itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.aws import Stage
from infra.plan import Change

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import WaiterConfigTypeDef

TEMPLATES = Path(__file__).parent
CHANGE_SET = "gatehouse-up"
WAIT: "WaiterConfigTypeDef" = {"Delay": 2, "MaxAttempts": 300}


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack: its name, its template's text and its parameters."""

    name: str
    template: str
    parameters: dict[str, str]


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
            _execute(cloudformation, stack, "CREATE")
        return [Change("create", f"stack {stack.name}")]
    if deployed == stack.template:
        return []
    _propose(cloudformation, stack, "UPDATE")
    changes = [Change("update", f"stack {stack.name}", detail) for detail in _details(cloudformation, stack)]
    if dry_run:
        cloudformation.delete_change_set(StackName=stack.name, ChangeSetName=CHANGE_SET)
    else:
        _run(cloudformation, stack, "stack_update_complete")
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


def _execute(cloudformation: "CloudFormationClient", stack: Stack, kind: Any) -> None:
    _propose(cloudformation, stack, kind)
    _run(cloudformation, stack, "stack_create_complete")


def _propose(cloudformation: "CloudFormationClient", stack: Stack, kind: Any) -> None:
    cloudformation.create_change_set(
        StackName=stack.name,
        ChangeSetName=CHANGE_SET,
        ChangeSetType=kind,
        TemplateBody=stack.template,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
        Tags=[{"Key": "gatehouse-stage", "Value": stack.parameters["Stage"]}],
    )
    cloudformation.get_waiter("change_set_create_complete").wait(
        StackName=stack.name, ChangeSetName=CHANGE_SET, WaiterConfig=WAIT
    )


def _run(cloudformation: "CloudFormationClient", stack: Stack, until: Any) -> None:
    cloudformation.execute_change_set(StackName=stack.name, ChangeSetName=CHANGE_SET)
    cloudformation.get_waiter(until).wait(StackName=stack.name, WaiterConfig=WAIT)


def _details(cloudformation: "CloudFormationClient", stack: Stack) -> Iterator[str]:
    described = cloudformation.describe_change_set(StackName=stack.name, ChangeSetName=CHANGE_SET)
    for change in described["Changes"]:
        resource = change["ResourceChange"]
        replaced = " (REPLACED)" if resource.get("Replacement") == "True" else ""
        yield f"{resource['Action'].lower()} {resource['LogicalResourceId']}{replaced}"
