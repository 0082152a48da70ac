"""The KMS keys of a stage and their aliases. KMS deletes no key at once: it waits 7 to 30 days."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.rotation.kms_keys import STAGE_TAG, UNREADABLE
from infra.deploy.down.part import Names, Part
from infra.stage.aws import Stage

PENDING = ("PendingDeletion", "PendingReplicaDeletion")


def key_parts(stage: Stage, names: Names, days: int) -> Iterator[Part]:
    """Yield the aliases, then the keys that are not about to be deleted yet. days: how long KMS then waits."""
    kms = stage.clients.kms
    for page in kms.get_paginator("list_aliases").paginate():
        for alias in page["Aliases"]:
            if names.has(alias["AliasName"].removeprefix("alias/")):
                yield Part(alias["AliasName"], partial(kms.delete_alias, AliasName=alias["AliasName"]))
    for key in _keys(stage):
        if key["KeyState"] not in PENDING:
            schedule = partial(kms.schedule_key_deletion, KeyId=key["KeyId"], PendingWindowInDays=days)
            yield Part(f"key {key['KeyId']}", schedule)


def pending_keys(stage: Stage) -> Iterator[str]:
    """Yield a line for each key of the stage that KMS is about to delete."""
    for key in _keys(stage):
        if key["KeyState"] in PENDING:
            when = f" at {key['DeletionDate']:%Y-%m-%d}" if "DeletionDate" in key else ""
            yield f"key {key['KeyId']}, which KMS deletes{when}"


def _keys(stage: Stage) -> Iterator[Any]:
    """Yield KMS's metadata of each key that has the stage's tag."""
    kms = stage.clients.kms
    for page in kms.get_paginator("list_keys").paginate():
        for listed in page["Keys"]:
            try:
                tags = kms.list_resource_tags(KeyId=listed["KeyId"])["Tags"]
            except ClientError as refusal:
                if refusal.response["Error"]["Code"] not in UNREADABLE:
                    raise
                continue
            if {"TagKey": STAGE_TAG, "TagValue": stage.name} in tags:
                yield kms.describe_key(KeyId=listed["KeyId"])["KeyMetadata"]
