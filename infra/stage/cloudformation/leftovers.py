"""Clean up after a failed creation: delete the stack, and the empty tables and log groups that it left."""

from typing import TYPE_CHECKING

from infra.stage.aws import Stage
from infra.stage.cloudformation.stack_status import StackFailed, StackState, Unsound, failure_lines, settle

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient

TABLE, LOG_GROUP = "AWS::DynamoDB::Table", "AWS::Logs::LogGroup"
# The documents that `up` itself writes: a config table with no others was never used.
OF_UP = ("keys", "stage_key")
LOOKED_AT = len(OF_UP) + 1


def remove_failed(stage: Stage, state: StackState) -> None:
    """Delete a stack whose creation failed, and what it left. Raises Unsound, before that, if one of these is used.

    The templates retain tables and log groups, which would block the next creation.
    """
    tables = [name for name in _resources(stage, state, TABLE) if has_table(stage, name)]
    logs = stage.clients.logs()
    groups = [name for name in _resources(stage, state, LOG_GROUP) if has_group(logs, name)]
    used = [f"table {name}" for name in tables if _is_used_table(stage, name)]
    used += [f"log group {name}" for name in groups if logs.describe_log_streams(logGroupName=name)["logStreams"]]
    if used:
        raise Unsound([_used_fault(state, what) for what in used])
    for name in tables:
        delete_table(stage, name)
    for name in groups:
        logs.delete_log_group(logGroupName=name)
    stage.cloudformation.delete_stack(StackName=state.id)
    left = settle(stage, state.id)
    if left:
        raise StackFailed(failure_lines(stage.cloudformation, state.name, left))


def has_table(stage: Stage, name: str) -> bool:
    """Return whether a table exists, and is not being deleted."""
    return table_status(stage, name) not in ("", "DELETING")


def table_status(stage: Stage, name: str) -> str:
    """Return DynamoDB's status of a table, or "" if there is none."""
    dynamodb = stage.clients.dynamodb
    try:
        return dynamodb.describe_table(TableName=name)["Table"]["TableStatus"]
    except dynamodb.exceptions.ResourceNotFoundException:
        return ""


def stack_tables(stage: Stage, state: StackState) -> list[str]:
    """Return the names of a stack's tables, those too that were deleted by hand."""
    return _resources(stage, state, TABLE)


def _resources(stage: Stage, state: StackState, kind: str) -> list[str]:
    pages = stage.cloudformation.get_paginator("list_stack_resources").paginate(StackName=state.id)
    found = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return [resource["PhysicalResourceId"] for resource in found if resource["ResourceType"] == kind]


def _used_fault(state: StackState, what: str) -> str:
    return (
        f"stack {state.name} is {state.status} and cannot be made again: {what} holds something. "
        "Delete it if it is not needed, or import it into a stack of that name. Then run up again."
    )


def _is_used_table(stage: Stage, name: str) -> bool:
    items = stage.clients.dynamodb.scan(TableName=name, Limit=LOOKED_AT, ConsistentRead=True)["Items"]
    return any(item["pk"]["S"] not in OF_UP for item in items)


def delete_table(stage: Stage, name: str) -> None:
    """Delete a table, which may be protected, and wait until it is gone."""
    dynamodb = stage.clients.dynamodb
    if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=name)
    dynamodb.get_waiter("table_not_exists").wait(TableName=name)


def has_group(logs: "CloudWatchLogsClient", name: str) -> bool:
    """Return whether a log group exists."""
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(group["logGroupName"] == name for group in found)
