"""`gatehouse up` and `keys rotate`, interrupted at each call to AWS: the next run ends in the same stage."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moto.cloudformation.models import cloudformation_backends
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.logs.models import logs_backends

from chalicelib.store.configuration.vault import data_key_alias
from infra.stage.aws import Stage, reach
from infra.stage.cloudformation.stacks import stack_changes, stage_stacks
from infra.stage.keys import rotate, stage_key
from infra.stage.provision import up
from infra.tenant.file import load
from infra.tenant.schema import TenantFile
from tests.cli.account import holdings
from tests.cli.cut import CHANGING, Cut, cut_at
from tests.support.fixed import Clock
from tests.support.tenant_documents import small_document, write

ES_API = {"identifier": "https://es", "name": "Es", "signing_alg": "ES256"}
REGION = "eu-south-1"


@pytest.fixture
def file(tmp_path: Path) -> TenantFile:
    """A tenant whose stage has two stacks and signs with RS256."""
    return load(Path(write(tmp_path, small_document())))


@pytest.fixture
def two_algs(tmp_path: Path) -> TenantFile:
    """A tenant whose stage signs with ES256 too."""
    document = small_document()
    return load(Path(write(tmp_path, document | {"apis": [*document["apis"], ES_API]})))


@pytest.fixture
def stage(aws: Stage, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage in a region that no other test has anything in."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    return replace(reach("cut"), pause=clock.pause)


def empty_the_region() -> None:
    """Take everything out of the region: what many stages leave behind would slow each search for keys down."""
    for backends in (cloudformation_backends, dynamodb_backends, kms_backends, logs_backends):
        backends[DEFAULT_ACCOUNT_ID][REGION].reset()
    # IAM has no Regions.
    policies = iam_backends[DEFAULT_ACCOUNT_ID]["aws"].managed_policies
    for arn in [arn for arn in policies if arn.endswith(REGION)]:
        del policies[arn]


def keys_of(stage: Stage) -> dict[str, str]:
    """Return every key of the account that bears the stage's tag, with its kind."""
    kms = stage.clients.kms
    found: dict[str, str] = {}
    for page in kms.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            tags = {(tag["TagKey"], tag["TagValue"]) for tag in kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]}
            if ("gatehouse-stage", stage.name) in tags:
                found[key["KeyArn"]] = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeySpec"]
    return found


def shape(stage: Stage) -> dict[str, Any]:
    """Return what a stage consists of, without what differs between two stages."""
    held = holdings(stage)
    keys = stage.config().keys().keys
    data_key = stage.clients.kms.describe_key(KeyId=data_key_alias(stage.name))["KeyMetadata"]
    rotation = stage.clients.kms.get_key_rotation_status(KeyId=data_key["KeyId"])
    change_sets = stage.cloudformation.list_change_sets(StackName=stage.name)["Summaries"]
    return {
        "tables": sorted(name.removeprefix(stage.prefix) for name in held["tables"]),
        "stacks": sorted((name.replace(stage.name, ""), status) for name, (status, _) in held["stacks"].items()),
        "proposals": [
            one["ChangeSetName"]
            for one in change_sets
            if f"{one['StackName']}-".startswith(stage.prefix) and one["ExecutionStatus"] != "EXECUTE_COMPLETE"
        ],
        "published": sorted((key.alg, key.status) for key in keys),
        "keys": Counter(keys_of(stage).values()),
        "orphans": set(keys_of(stage)) - {key.key_arn for key in keys} - {data_key["Arn"]},
        "data key turns": rotation["KeyRotationEnabled"],
        "stage key opens": len(stage_key(stage).mac("test", b"")),
    }


Step = Callable[[Stage], object]


def shapes(stage: Stage, run: Step, prepared: Step) -> list[tuple[str, dict[str, Any]]]:
    """Return the shape of a stage for each call at which a run was cut off, and run again; the whole run's first."""
    empty_the_region()
    prepared(stage)
    with cut_at(stage, -1) as calls:
        run(stage)
    found = [("nothing", shape(stage))]
    for number, name in enumerate(calls.made):
        # A lost answer of a call that changes nothing is the same as no call.
        for when in ("before-call", "after-call") if name.startswith(CHANGING) else ("before-call",):
            empty_the_region()
            prepared(stage)
            with cut_at(stage, number, when), pytest.raises(Cut):
                run(stage)
            run(stage)
            found.append((f"{when} {number} {name}", shape(stage)))
    return found


def test_up_that_is_cut_off_at_any_call_ends_in_the_same_stage_at_its_next_run(stage: Stage, file: TenantFile) -> None:
    (_, whole), *others = shapes(stage, lambda stage: up(stage, file), lambda stage: None)

    assert whole["orphans"] == set()
    assert whole["keys"] == {"RSA_2048": 1, "SYMMETRIC_DEFAULT": 1}
    assert len(others) > 30
    assert [(where, found) for where, found in others if found != whole] == []


def test_update_that_is_cut_off_at_any_call_leaves_no_change_set_behind(stage: Stage, file: TenantFile) -> None:
    own, *_ = stage_stacks(stage.name, [])
    added = '\n  OneMore:\n    Type: AWS::Logs::LogGroup\n    Properties: {LogGroupName: "/one-more"}\n'
    edited = replace(own, template=own.template + added)

    def run(stage: Stage) -> None:
        for dry_run in (True, False):
            stack_changes(stage, edited, dry_run)

    (_, whole), *others = shapes(stage, run, lambda stage: up(stage, file))

    assert ("gatehouse-", "UPDATE_COMPLETE") in whole["stacks"]
    assert [(where, found) for where, found in others if found != whole] == []


def test_rotation_that_is_cut_off_at_any_call_makes_one_key_for_each_algorithm(
    stage: Stage, clock: Clock, two_algs: TenantFile
) -> None:
    now = int(clock())
    (_, whole), *others = shapes(stage, lambda stage: rotate(stage, now), lambda stage: up(stage, two_algs))

    assert whole["published"] == [(alg, status) for alg in ("ES256", "RS256") for status in ("current", "next")]
    assert [(where, found) for where, found in others if found != whole] == []
