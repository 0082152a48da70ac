"""Stacks that have failed: moto never fails one, so its own record of a stack is changed."""

from moto.cloudformation.models import Event, Stack, cloudformation_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from infra.local.emulated_aws import REGION
from tests.cli.conftest import Gatehouse

REASON = "Table already exists, or the account\nhas reached a limit"


def moto_stack(gatehouse: Gatehouse, realm: str = "") -> Stack:
    """Return what moto keeps of the stage's own stack, or of a realm's."""
    name = f"gatehouse-{gatehouse.stage.name}" + (f"-realm-{realm}" if realm else "")
    stacks = cloudformation_backends[DEFAULT_ACCOUNT_ID][REGION].stacks.values()
    (found,) = [stack for stack in stacks if stack.name == name]
    return found


def fail(stack: Stack, status: str) -> None:
    """Put a stack into a status, with the events that CloudFormation would have written."""
    stack.status = status
    stack._add_stack_event(f"{status.partition('_')[0]}_IN_PROGRESS", "User Initiated")
    for logical, reason in (("TheTable", REASON), ("FunctionLogs", "Resource creation cancelled")):
        failed = (stack.stack_id, stack.name, logical, "", "AWS::DynamoDB::Table", "CREATE_FAILED", reason, None)
        stack.events.append(Event(*failed))
