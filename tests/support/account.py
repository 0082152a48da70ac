"""List what an AWS account has in a Region, before and after a command."""

from collections.abc import Callable
from typing import Any

KINDS = {
    "policies": ("iam", "list_policies", "Policies[?starts_with(PolicyName, 'gatehouse-')].PolicyName"),
    "functions": ("lambda", "list_functions", "Functions[].FunctionName"),
    "roles": ("iam", "list_roles", "Roles[].RoleName"),
    "rules": ("events", "list_rules", "Rules[].Name"),
    "apis": ("apigateway", "get_rest_apis", "items[].id"),
    "topics": ("sns", "list_topics", "Topics[].TopicArn"),
    "aliases": ("kms", "list_aliases", "Aliases[].AliasName"),
    "tables": ("dynamodb", "list_tables", "TableNames[]"),
    "stacks": ("cloudformation", "describe_stacks", "Stacks[].StackName"),
    "groups": ("logs", "describe_log_groups", "logGroups[].logGroupName"),
}


def list_names(client: Callable[[str], Any]) -> dict[str, list[str]]:
    """Return the names of what there is, by kind. client: returns a client of a service."""
    return {
        kind: sorted(client(service).get_paginator(operation).paginate().search(names))
        for kind, (service, operation, names) in KINDS.items()
    }
