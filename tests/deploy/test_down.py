"""`gatehouse down`, on what Chalice has deployed."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.deploy.conftest import ON_ONE_WORKER, PROJECT, Aws, Deployment

pytestmark = ON_ONE_WORKER


def names(aws: Aws) -> dict[str, list[str]]:
    """Return the names of what the account has, by kind."""
    found = {
        "functions": ("lambda", "list_functions", "Functions[].FunctionName"),
        "roles": ("iam", "list_roles", "Roles[].RoleName"),
        "rules": ("events", "list_rules", "Rules[].Name"),
        "apis": ("apigateway", "get_rest_apis", "items[].id"),
        "tables": ("dynamodb", "list_tables", "TableNames[]"),
        "stacks": ("cloudformation", "describe_stacks", "Stacks[].StackName"),
        "groups": ("logs", "describe_log_groups", "logGroups[].logGroupName"),
        "aliases": ("kms", "list_aliases", "Aliases[].AliasName"),
    }
    pages: dict[str, Any] = {
        kind: aws.client(service).get_paginator(operation).paginate().search(wanted)
        for kind, (service, operation, wanted) in found.items()
    }
    return {kind: sorted(listed) for kind, listed in pages.items()}


def test_deployed_stage_goes_and_the_one_beside_it_stays(deployment: Deployment, tmp_path: Path) -> None:
    before = names(deployment.aws)
    root = tmp_path / "prod"
    shutil.copytree(deployment.project.root, root, ignore=shutil.ignore_patterns("deployed", "deployments"))
    for policy in (PROJECT / ".chalice").glob("policy-prod*.json"):
        shutil.copyfile(policy, root / ".chalice" / policy.name)
    project = replace(deployment.project, root=root)
    tenant = root / "small.yaml"
    realm = {"name": "staff", "identifiers": ["username"]}
    tenant.write_text(json.dumps({"tenant": {"friendly_name": "Small"}, "realms": [realm], "apis": [], "clients": []}))
    made = [project.gatehouse(*words, "--stage", "prod") for words in (("up", str(tenant)), ("deploy",))]
    held = names(deployment.aws)
    record = root / ".chalice" / "deployed" / "prod.json"
    was_recorded = record.exists()
    gone = project.gatehouse("down", "--stage", "prod", "--yes-delete", "prod")
    after = names(deployment.aws)

    assert [(run.returncode, run.stderr) for run in (*made, gone)] == [(0, "")] * 3, made[0].stdout + made[1].stdout
    assert all(len(held[kind]) > len(before[kind]) for kind in before)
    assert was_recorded
    assert not record.exists()
    assert after.pop("groups") == sorted({*before.pop("groups"), "/gatehouse/prod/audit"})
    assert after == before
