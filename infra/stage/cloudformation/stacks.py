"""Plan and make the changes of a stage's CloudFormation stacks, by change sets."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import ClientError

from infra.stage.aws import Stage
from infra.stage.changes import PlannedChange
from infra.stage.cloudformation.leftovers import remove_failed
from infra.stage.cloudformation.stack_status import (
    FAILED_CREATIONS,
    StackFailed,
    StackState,
    failed_validations,
    failure_lines,
    failure_reasons,
    find_stack,
    settle,
    wait_until,
)

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import DescribeChangeSetOutputTypeDef

TEMPLATES = Path(__file__).parents[1]
CHANGE_SET = "gatehouse-up"
# CloudFormation has two sentences for an empty change set.
NO_CHANGE = ("didn't contain changes", "No updates are to be performed")
PROPOSED = ("CREATE_COMPLETE", "FAILED")


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack: its name, its template's text and its parameters."""

    name: str
    template: str
    parameters: dict[str, str]

    @property
    def tables(self) -> list[str]:
        """The names of its tables."""
        return self._resource_names("TableName")

    @property
    def log_groups(self) -> list[str]:
        """The names of its log groups."""
        return self._resource_names("LogGroupName")

    def _resource_names(self, key: str) -> list[str]:
        found = re.findall(rf'{key}: !Sub "(.+)"', self.template)
        return [re.sub(r"\$\{(\w+)\}", lambda hole: self.parameters[hole[1]], name) for name in found]


class _NoChange(Exception):
    """The change set is empty, as after an edit of a comment."""


def stage_stacks(stage: str, realms: list[str]) -> list[Stack]:
    """Return the stacks of a stage with these realms: its own, that of its alarms, and one for each realm."""
    realm_template = (TEMPLATES / "realm.yaml").read_text()
    return [
        Stack(f"gatehouse-{stage}", (TEMPLATES / "stage.yaml").read_text(), {"Stage": stage}),
        Stack(f"gatehouse-{stage}-alarms", (TEMPLATES / "alarms.yaml").read_text(), {"Stage": stage}),
        *(
            Stack(f"gatehouse-{stage}-realm-{realm}", realm_template, {"Stage": stage, "Realm": realm})
            for realm in realms
        ),
    ]


def stack_changes(stage: Stage, stack: Stack, dry_run: bool) -> list[PlannedChange]:
    """Return the changes that bring a stack to its template and parameters, and make them unless dry_run.

    A stack whose creation failed is deleted and made again. Raises StackFailed with CloudFormation's reasons.
    """
    state = find_stack(stage.cloudformation, stack.name)
    if state is None:
        if not dry_run:
            _create(stage, stack)
        return [PlannedChange("create", f"stack {stack.name}")]
    if state.status in FAILED_CREATIONS:
        return [_recreate(stage, stack, state, dry_run)]
    template = str(stage.cloudformation.get_template(StackName=stack.name)["TemplateBody"])
    if (template, state.parameters) == (stack.template, stack.parameters):
        return []
    return _update(stage, stack, _parameter_details(state, stack), dry_run)


def _create(stage: Stage, stack: Stack) -> None:
    _run(stage, stack, _propose(stage, stack, "CREATE")["ChangeSetId"])


def _recreate(stage: Stage, stack: Stack, state: StackState, dry_run: bool) -> PlannedChange:
    if state.status == "REVIEW_IN_PROGRESS":
        why = ["an interrupted run proposed it and made nothing of it"]
    else:
        why = [f"its creation failed: {state.status}", *failure_reasons(stage.cloudformation, state)]
    if not dry_run:
        _drop_proposals(stage.cloudformation, stack.name)
        remove_failed(stage, state)
        _create(stage, stack)
    return PlannedChange("recreate", f"stack {stack.name}", "\n".join(why))


def _update(stage: Stage, stack: Stack, settings: list[str], dry_run: bool) -> list[PlannedChange]:
    """Return the changes of a stack that stands, and make them unless dry_run. settings: what its parameters change."""
    if not dry_run:
        _drop_proposals(stage.cloudformation, stack.name)
    try:
        proposed = _propose(stage, stack, "UPDATE")
    except _NoChange:
        return []
    details = [*settings, *_details(proposed)]
    changes = [PlannedChange("update", f"stack {stack.name}", detail) for detail in details]
    if dry_run:
        stage.cloudformation.delete_change_set(ChangeSetName=proposed["ChangeSetId"])
    else:
        _run(stage, stack, proposed["ChangeSetId"])
    return changes


def _propose(stage: Stage, stack: Stack, kind: Literal["CREATE", "UPDATE"]) -> "DescribeChangeSetOutputTypeDef":
    """Return a change set that can be executed. Raises _NoChange, StackFailed."""
    cloudformation = stage.cloudformation
    arn = _submit(cloudformation, stack, kind)
    proposed = wait_until(
        stage, lambda: cloudformation.describe_change_set(ChangeSetName=arn), lambda found: found["Status"] in PROPOSED
    )
    if proposed["Status"] != "FAILED":
        return proposed
    reason = proposed.get("StatusReason", "no reason given")
    validations = failed_validations(cloudformation, arn) if "EarlyValidation" in reason else []
    # A failed change set would block the next one of its name.
    cloudformation.delete_change_set(ChangeSetName=arn)
    if _is_empty(reason):
        raise _NoChange
    raise StackFailed([f"stack {stack.name}: its change set failed: {reason}", *validations])


def _submit(cloudformation: "CloudFormationClient", stack: Stack, kind: Literal["CREATE", "UPDATE"]) -> str:
    """Submit a change set, and return its ARN. CloudFormation computes it afterwards."""
    name = f"{CHANGE_SET}-{secrets.token_hex(4)}"
    try:
        return cloudformation.create_change_set(
            StackName=stack.name,
            ChangeSetName=name,
            # The SDK repeats a call whose answer was lost; with this token both make one change set.
            ClientToken=name,
            ChangeSetType=kind,
            TemplateBody=stack.template,
            # The policy of the help desk has a name.
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
            Tags=[{"Key": "gatehouse-stage", "Value": stack.parameters["Stage"]}],
        )["Id"]
    except ClientError as refusal:
        if _is_empty(str(refusal)):
            raise _NoChange from None
        raise


def _is_empty(reason: str) -> bool:
    return any(words in reason for words in NO_CHANGE)


def _drop_proposals(cloudformation: "CloudFormationClient", name: str) -> None:
    """Delete the change sets that an interrupted run left behind."""
    for page in cloudformation.get_paginator("list_change_sets").paginate(StackName=name):
        for left in page["Summaries"]:
            is_ours = left["StackName"] == name and left["ChangeSetName"].startswith(f"{CHANGE_SET}-")
            if is_ours and left["ExecutionStatus"] in ("AVAILABLE", "UNAVAILABLE"):
                cloudformation.delete_change_set(ChangeSetName=left["ChangeSetId"])


def _run(stage: Stage, stack: Stack, change_set: str) -> None:
    """Execute a change set, and wait for its end. Raises StackFailed. A failed creation deletes what it made."""
    token = secrets.token_hex(8)
    stage.cloudformation.execute_change_set(
        ChangeSetName=change_set, RetainExceptOnCreate=True, ClientRequestToken=token
    )
    state = settle(stage, stack.name)
    if state is None or state.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise StackFailed(failure_lines(stage.cloudformation, stack.name, state))


def _parameter_details(state: StackState, stack: Stack) -> list[str]:
    pairs = [(key, state.parameters.get(key, ""), value) for key, value in stack.parameters.items()]
    return [f"set {key} to {after or 'nothing'}" for key, before, after in pairs if before != after]


def _details(proposed: "DescribeChangeSetOutputTypeDef") -> Iterator[str]:
    for change in proposed["Changes"]:
        resource = change["ResourceChange"]
        replaced = " (REPLACED)" if resource.get("Replacement") == "True" else ""
        yield f"{resource['Action'].lower()} {resource['LogicalResourceId']}{replaced}"
