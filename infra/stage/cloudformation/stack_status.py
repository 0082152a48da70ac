"""Read the state of a stack, with CloudFormation's reasons, and the command that mends it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from infra.stage.aws import Stage

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient

A = TypeVar("A")

POLL_PAUSE_S = 2
POLLS = 300
# A stack in one of these states was never used: `up` deletes it and makes it again.
FAILED_CREATIONS = ("REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_FAILED", "ROLLBACK_COMPLETE")
SOUND = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
MENDS = {
    "DELETE_FAILED": "aws cloudformation delete-stack --stack-name {name}",
    "UPDATE_FAILED": "aws cloudformation rollback-stack --stack-name {name}",
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name {name}",
}
LOOK = "aws cloudformation describe-stack-events --stack-name {name}"


class Unsound(Exception):
    """The stage has faults that `up` does not mend. str() has lines with each fault and its mend."""

    def __init__(self, lines: Sequence[str]) -> None:
        """lines: for the operator; repeated ones are dropped."""
        super().__init__("\n".join(dict.fromkeys(lines)))


class StackFailed(Unsound):
    """An operation of CloudFormation failed. The lines give its reasons, one for each resource."""


@dataclass(frozen=True, slots=True)
class StackState:
    """The state of one stack. id: its ARN; a later stack of the same name has another one. reason: of the status."""

    id: str
    name: str
    status: str
    reason: str
    parameters: Mapping[str, str]


def find_stack(cloudformation: "CloudFormationClient", name: str) -> StackState | None:
    """Return the state of a stack, or None if it does not exist. name: its name or its ARN."""
    try:
        (found,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    if found["StackStatus"] == "DELETE_COMPLETE":
        return None
    parameters = {one["ParameterKey"]: one.get("ParameterValue", "") for one in found.get("Parameters", [])}
    reason = found.get("StackStatusReason", "")
    return StackState(found["StackId"], found["StackName"], found["StackStatus"], reason, parameters)


def settle(stage: Stage, name: str) -> StackState | None:
    """Wait until CloudFormation is done with a stack, and return its state. Raises Unsound after ten minutes."""
    return wait_until(
        stage, lambda: find_stack(stage.cloudformation, name), lambda found: not found or not is_busy(found.status)
    )


def is_busy(status: str) -> bool:
    """Return whether CloudFormation is still working on a stack of this status."""
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def wait_until(stage: Stage, look: Callable[[], A], is_ended: Callable[[A], bool]) -> A:
    """Call look until is_ended holds for its result, and return that. Raises Unsound after ten minutes."""
    for _ in range(POLLS):
        found = look()
        if is_ended(found):
            return found
        stage.pause(POLL_PAUSE_S)
    raise Unsound(
        [f"CloudFormation is still at work after {POLLS * POLL_PAUSE_S // 60} minutes: run this again later."]
    )


def status_fault(cloudformation: "CloudFormationClient", state: StackState) -> list[str]:
    """Return the fault of a stack that `up` can neither use nor make again, with the mend. Return nothing otherwise."""
    if state.status in (*SOUND, *FAILED_CREATIONS):
        return []
    if is_busy(state.status):
        return [f"stack {state.name} is {state.status}: wait until CloudFormation has ended, then run up again."]
    mend = MENDS.get(state.status, LOOK).format(name=state.name)
    return [
        *failure_lines(cloudformation, state.name, state),
        f"Mend what the lines above name, then: {mend}",
        "Run up again once that has ended.",
    ]


def failure_lines(cloudformation: "CloudFormationClient", name: str, state: StackState | None) -> list[str]:
    """Return a line with the status of a failed stack, and a line for each resource that failed."""
    if state is None:
        return [f"stack {name} is gone."]
    return [f"stack {name} is {state.status}", *failure_reasons(cloudformation, state)]


def failure_reasons(cloudformation: "CloudFormationClient", state: StackState) -> list[str]:
    """Return why the last operation on a stack failed: a line for each resource, the first failure first."""
    reasons: list[str] = []
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=state.id):
        for event in page["StackEvents"]:
            reason, status = event.get("ResourceStatusReason", ""), event.get("ResourceStatus", "")
            if reason == "User Initiated":
                return reasons or _own_reason(state)
            # CloudFormation cancels the other resources once the first one has failed.
            if status.endswith("_FAILED") and reason and "cancelled" not in reason:
                kind = event.get("ResourceType", "")
                reasons.insert(0, f"{event.get('LogicalResourceId', '')} ({kind}): {in_one_line(reason)}")
    return reasons or _own_reason(state)


def _own_reason(state: StackState) -> list[str]:
    return [in_one_line(state.reason)] if state.reason else []


def failed_validations(cloudformation: "CloudFormationClient", change_set: str) -> list[str]:
    """Return the objections of CloudFormation's early validation; the change set's own reason only refers to them."""
    try:
        events = cloudformation.describe_events(ChangeSetName=change_set, Filters={"FailedEvents": True})
    except ClientError:
        # The operator may lack the permission. The change set's own reason is printed in any case.
        return []
    return [
        f"{event.get('LogicalResourceId', '')} {event.get('ValidationPath', '')}: {in_one_line(reason)}"
        for event in events["OperationEvents"]
        if (reason := event.get("ValidationStatusReason") or event.get("ResourceStatusReason"))
    ]


def in_one_line(text: str) -> str:
    """Return a text without its line breaks."""
    return " ".join(text.split())
