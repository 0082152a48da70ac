"""List what an AWS account holds of a stage, before and after a command."""

from typing import Any

from infra.stage.aws import Stage


def holdings(stage: Stage) -> dict[str, Any]:
    """Return all that a command could change: tables with their items, stacks, change sets, keys of the account."""
    stacks = {name: _stack(stage, name) for name in stack_names(stage)}
    return {
        "tables": {name: items(stage, name) for name in table_names(stage)},
        "stacks": stacks,
        "change sets": _change_sets(stage),
        "keys": sorted(_all(stage.clients.kms, "list_keys", "Keys[].KeyId")),
    }


def table_names(stage: Stage) -> list[str]:
    """Return the names of the stage's tables."""
    names = _all(stage.clients.dynamodb, "list_tables", "TableNames[]")
    return sorted(name for name in names if name.startswith(stage.prefix))


def items(stage: Stage, table: str) -> list[str]:
    """Return every item of a table as text, in a fixed order."""
    return sorted(str(sorted(item.items())) for item in stage.clients.dynamodb.scan(TableName=table)["Items"])


def stack_names(stage: Stage) -> list[str]:
    """Return the names of the stage's stacks."""
    found = _all(stage.cloudformation, "describe_stacks", "Stacks[].StackName")
    return sorted(name for name in found if f"{name}-".startswith(stage.prefix))


def _stack(stage: Stage, name: str) -> tuple[str, Any]:
    (stack,) = stage.cloudformation.describe_stacks(StackName=name)["Stacks"]
    return stack["StackStatus"], stage.cloudformation.get_template(StackName=name)["TemplateBody"]


def _change_sets(stage: Stage) -> list[tuple[str, str]]:
    # moto lists those of all stacks at once, and keeps the executed ones.
    found = stage.cloudformation.list_change_sets(StackName=stage.name)["Summaries"]
    return sorted((one["ChangeSetId"], one["ExecutionStatus"]) for one in found)


def _all(client: Any, operation: str, wanted: str) -> list[str]:
    return list(client.get_paginator(operation).paginate().search(wanted))
