"""Take a stage down: delete its parts, look again, and say what AWS keeps."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from chalicelib.store.logs.audit import audit_group
from infra.deploy.api import AwsAccount
from infra.deploy.domain.gateway import GatewayDomain
from infra.deploy.down.domains import led_away
from infra.deploy.down.functions import function_parts
from infra.deploy.down.keys import key_parts, pending_keys
from infra.deploy.down.part import Names, Part
from infra.deploy.down.stored import stored_parts
from infra.stage.aws import Stage
from infra.stage.chalice_config import listed_stages
from infra.stage.cloudformation.leftovers import has_group
from infra.stage.cloudformation.stack_status import Unsound

# AWS lists some of what was just deleted for a while, and a function may write its last lines into a new log group.
LOOKS = 12
LOOK_PAUSE_S = 5
GONE = ("ResourceNotFound", "NotFound", "NoSuchEntity")


@dataclass(frozen=True, slots=True)
class Down:
    """The end of one stage. pending_days: how long KMS waits before it deletes a key."""

    stage: Stage
    project: Path
    pending_days: int

    def parts(self) -> list[Part]:
        """Return the parts that there are, in the order in which they are deleted."""
        names = Names.of(self.stage, listed_stages(self.project))
        return [
            *function_parts(names, self.project),
            *stored_parts(self.stage, names),
            *key_parts(self.stage, names, self.pending_days),
        ]

    def delete(self, tell: Callable[[str], object]) -> None:
        """Delete all parts, but for the audit log. Raises Unsound with those that are still there in the end.

        tell: takes the words for each part, before its deletion.
        """
        for look in range(LOOKS):
            left = self.parts()
            if not left:
                return
            self.stage.pause(LOOK_PAUSE_S if look > 1 else 0)
            for part in left:
                tell(part.what)
                _delete(part)
        raise Unsound([f"{part.what} is still there. Run this again." for part in left])

    def kept(self) -> list[str]:
        """Return lines for what stays in AWS, or would."""
        dynamodb, names = self.stage.clients.dynamodb, Names.of(self.stage, listed_stages(self.project))
        pages = dynamodb.get_paginator("list_backups").paginate(BackupType="ALL")
        backups = [one for page in pages for one in page["BackupSummaries"] if names.has(one["TableName"])]
        return [
            *pending_keys(self.stage),
            *(f"domain {one.name}, which leads to an API that is not this stage's" for one in self._led_away()),
            *(f"backup {one['BackupName']} of {one['TableName']}" for one in backups),
        ]

    def _led_away(self) -> list[GatewayDomain]:
        return led_away(self.stage.name, AwsAccount(self.project).apis_of(self.stage.name))

    def has_audit_log(self) -> bool:
        """Return whether the stage has an audit log."""
        return has_group(self.stage.clients.logs(), audit_group(self.stage.name))

    def delete_audit_log(self) -> None:
        """Delete the audit log: nothing that is done to the stage is written down any more."""
        self.stage.clients.logs().delete_log_group(logGroupName=audit_group(self.stage.name))


def _delete(part: Part) -> None:
    """Delete a part, which may be gone: AWS lists some of what was deleted for a while."""
    try:
        part.delete()
    except ClientError as refusal:
        if not refusal.response["Error"]["Code"].startswith(GONE):
            raise
