"""The stacks of a stage, and what their templates retain: tables and log groups."""

from collections.abc import Iterator
from functools import partial

from chalicelib.rotation.kms_keys import STAGE_TAG
from chalicelib.store.logs.audit import audit_group
from infra.deploy.down.part import Names, Part
from infra.stage.aws import Stage
from infra.stage.cloudformation.leftovers import delete_table
from infra.stage.cloudformation.stack_status import StackFailed, failure_lines, find_stack, settle


def stored_parts(stage: Stage, names: Names) -> Iterator[Part]:
    """Yield the stacks, the tables and the log groups, but for the audit log."""
    for stack in sorted(_stacks(stage, names), key=len, reverse=True):
        yield Part(f"stack {stack}", partial(_delete_stack, stage, stack))
    for page in stage.clients.dynamodb.get_paginator("list_tables").paginate():
        for table in filter(names.has, page["TableNames"]):
            yield Part(f"table {table}", partial(delete_table, stage, table))
    logs = stage.clients.logs()
    for listed in logs.get_paginator("describe_log_groups").paginate():
        for group in filter(names.has_group, (one["logGroupName"] for one in listed["logGroups"])):
            if group != audit_group(stage.name):
                yield Part(f"log group {group}", partial(logs.delete_log_group, logGroupName=group))


def _stacks(stage: Stage, names: Names) -> Iterator[str]:
    for page in stage.cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
            is_ours = tags.get(STAGE_TAG) == stage.name or names.has(stack["StackName"])
            if is_ours and stack["StackStatus"] != "DELETE_COMPLETE":
                yield stack["StackName"]


def _delete_stack(stage: Stage, name: str) -> None:
    """Delete a stack, once CloudFormation is done with it. Raises StackFailed."""
    state = settle(stage, name)
    if state is None:
        return
    stage.cloudformation.delete_stack(StackName=state.id)
    settle(stage, state.id)
    left = find_stack(stage.cloudformation, state.id)
    if left:
        raise StackFailed(failure_lines(stage.cloudformation, name, left))
