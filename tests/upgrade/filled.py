"""Put the stage of the revision before into moto: its tables, its items, and the KMS keys that sealed them."""

import base64
import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_private_key
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.kms.models import Key, KmsBackend, kms_backends

from chalicelib.rotation.kms_keys import STAGE_TAG
from infra.local.emulated_aws import REGION
from infra.stage.aws import Stage, reach
from infra.stage.cloudformation.stacks import stack_changes, stage_stacks
from tests.support.function_aws import function_aws

NAME = "before"
REALMS = ("employees", "customers", "partners")
TABLES = ("config", "sessions", "attempts", *(f"users-{realm}" for realm in REALMS))
Items = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled stage. at: epoch seconds. said: what each person knows."""

    stage: Stage
    at: int
    said: dict[str, dict[str, str]]

    def items(self, table: str) -> Items:
        """Return all items of a table, in DynamoDB's JSON."""
        scan = self.stage.clients.dynamodb.get_paginator("scan")
        items: Items = scan.paginate(TableName=self.stage.prefix + table).build_full_result()["Items"]
        return items

    def put(self, table: str, items: Items) -> None:
        """Write items as they are."""
        for item in items:
            self.stage.clients.dynamodb.put_item(TableName=self.stage.prefix + table, Item=item)


@cache
def read_fixture() -> dict[str, Any]:
    """Return the fixture (README.md)."""
    fixture: dict[str, Any] = json.loads(Path(__file__).with_name("items-before.json").read_text("utf-8"))
    return fixture


@cache
def _make_tables() -> Stage:
    stage = reach(NAME)
    for stack in stage_stacks(NAME, list(REALMS)):
        stack_changes(stage, stack, dry_run=False)
    return replace(stage, aws=function_aws())


def fill() -> Filled:
    """Return the stage, filled anew; moto must run."""
    stage, fixture = _make_tables(), read_fixture()
    filled = Filled(stage, fixture["at"], fixture["said"])
    for table in TABLES:
        for item in filled.items(table):
            key: dict[str, Any] = {name: item[name] for name in ("pk", "sk") if name in item}
            stage.clients.dynamodb.delete_item(TableName=stage.prefix + table, Key=key)
        filled.put(table, fixture["tables"][table])
    _fill_kms(stage, fixture["keys"])
    return filled


def _fill_kms(stage: Stage, keys: Items) -> None:
    backend: KmsBackend = kms_backends[DEFAULT_ACCOUNT_ID][REGION]
    for key in list(backend.keys):
        tags = backend.tagger.get_tag_dict_for_resource(key)
        if tags.get(STAGE_TAG) == NAME:
            del backend.keys[key]
    for stored in keys:
        backend.keys[stored["id"]] = _key_of(stored)
        stage.clients.kms.tag_resource(KeyId=stored["id"], Tags=[{"TagKey": STAGE_TAG, "TagValue": NAME}])
        for alias in stored["aliases"]:
            stage.clients.kms.create_alias(AliasName=alias, TargetKeyId=stored["id"])


def _key_of(stored: dict[str, Any]) -> Key:
    backend = kms_backends[DEFAULT_ACCOUNT_ID][REGION]
    key = backend.create_key(None, stored["usage"], stored["spec"], "of the revision before", None)
    del backend.keys[key.id]
    key.id, key.key_material = stored["id"], base64.b64decode(stored["material"])
    key.arn = f"arn:aws:kms:{REGION}:{DEFAULT_ACCOUNT_ID}:key/{key.id}"
    if "private" in stored:
        made: Any = key.private_key
        made.private_key = load_der_private_key(base64.b64decode(stored["private"]), None)
    return key
