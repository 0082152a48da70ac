"""Restore a realm's table from point-in-time recovery: beside it first, then under its own name.

DynamoDB restores into a new table alone, and renames none. So the table beside is backed up, and the backup restored
under the realm's name, which the stack knows. Each step is found by what exists, so that a later run goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.rotation.kms_keys import STAGE_TAG
from infra.errors import OperatorError
from infra.stage.aws import Stage
from infra.stage.cloudformation.leftovers import has_table, table_status
from infra.stage.restore.moment import FORM, MOMENT, in_iso
from infra.stage.restore.versions import raise_versions

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import BackupSummaryTypeDef, TagTypeDef

POLL_PAUSE_S = 5
# The stage whose tables are not protected from deletion, as realm.yaml has it.
UNPROTECTED = "dev"


@dataclass(frozen=True, slots=True)
class Restore:
    """The restore of one realm's table to a moment. tell: takes a line for each step that takes its time."""

    stage: Stage
    table: str
    at: datetime
    tell: Callable[[str], object]

    @property
    def beside(self) -> str:
        """The name of the table beside. No realm's table has it, as a dot is in no realm's name."""
        return f"{self.table}.{self.at.strftime(FORM)}"

    def make_beside(self) -> None:
        """Restore the state of then into the table beside, or go on with the one of an earlier run.

        Raises OperatorError if another restore of the realm is under way, or the moment is out of reach.
        """
        others = [name for name in self._tables_beside() if name != self.beside]
        if others:
            raise OperatorError(self._other_restore(others[0]))
        if not table_status(self.stage, self.beside):
            if not has_table(self.stage, self.table):
                raise OperatorError(f"Table {self.table} is gone. `gatehouse up` says how to bring it back.")
            self._require_window()
            self.stage.clients.dynamodb.restore_table_to_point_in_time(
                SourceTableName=self.table, TargetTableName=self.beside, RestoreDateTime=self.at
            )
        self._wait(self.beside, ("ACTIVE",), f"DynamoDB restores into {self.beside}")

    def is_done(self) -> bool:
        """Return whether the realm's table is what this restore made, and nothing of it is left to do."""
        if table_status(self.stage, self.beside) or not has_table(self.stage, self.table):
            return False
        described = self.stage.clients.dynamodb.describe_table(TableName=self.table)["Table"]
        return f"table/{self.beside}/" in described.get("RestoreSummary", {}).get("SourceBackupArn", "")

    def has_old_table(self) -> bool:
        """Return whether the realm's table is still the one of before the restore."""
        dynamodb, backup = self.stage.clients.dynamodb, self._find_backup()
        if not has_table(self.stage, self.table):
            return False
        made = dynamodb.describe_table(TableName=self.table)["Table"]["CreationDateTime"]
        return backup is None or made < backup["BackupCreationDateTime"]

    def put_in_place(self) -> None:
        """Put the state of then under the realm's own name. Logins of the realm are refused while its table is gone."""
        if self._find_backup() is None:
            self.tell("Ending all refresh tokens, pending logins and emailed links of the people of then")
            raise_versions(self.stage, self.beside)
            backed_up = {"TableName": self.beside, "BackupName": self.beside}
            self._repeat_while_new(lambda: self.stage.clients.dynamodb.create_backup(**backed_up))
        arn = self._wait_for_backup()
        if self.has_old_table():
            self._delete_old()
        self._wait(self.table, ("ACTIVE", ""), f"DynamoDB deletes {self.table}")
        if not table_status(self.stage, self.table):
            self.stage.clients.dynamodb.restore_table_from_backup(TargetTableName=self.table, BackupArn=arn)
        self._wait(self.table, ("ACTIVE",), f"DynamoDB restores into {self.table}")
        self._give_settings_back()
        self._clean_up()

    def _delete_old(self) -> None:
        dynamodb = self.stage.clients.dynamodb
        described = dynamodb.describe_table(TableName=self.table)["Table"]
        if described.get("DeletionProtectionEnabled"):
            dynamodb.update_table(TableName=self.table, DeletionProtectionEnabled=False)
            self._wait(self.table, ("ACTIVE",), f"DynamoDB lifts the protection of {self.table}")
        dynamodb.delete_table(TableName=self.table)

    def _give_settings_back(self) -> None:
        """Give a restored table what realm.yaml gives it. A realm's table has no TTL; encryption comes with it."""
        dynamodb = self.stage.clients.dynamodb
        self._repeat_while_new(
            lambda: dynamodb.update_continuous_backups(
                TableName=self.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
            )
        )
        described = dynamodb.describe_table(TableName=self.table)["Table"]
        tag: TagTypeDef = {"Key": STAGE_TAG, "Value": self.stage.name}
        dynamodb.tag_resource(ResourceArn=described["TableArn"], Tags=[tag])
        if self.stage.name != UNPROTECTED and not described.get("DeletionProtectionEnabled"):
            dynamodb.update_table(TableName=self.table, DeletionProtectionEnabled=True)

    def _clean_up(self) -> None:
        """Delete the backups, then the table beside, which shows that a restore is under way.

        A restore that was given up may have left a backup too.
        """
        dynamodb = self.stage.clients.dynamodb
        for page in dynamodb.get_paginator("list_backups").paginate():
            for backup in page["BackupSummaries"]:
                if self._is_beside(backup["TableName"]):
                    dynamodb.delete_backup(BackupArn=backup["BackupArn"])
        dynamodb.delete_table(TableName=self.beside)

    def _repeat_while_new(self, do: Callable[[], Any]) -> None:
        """Do something about the recovery of a table; DynamoDB refuses it while it makes a new table's first backup."""
        dynamodb = self.stage.clients.dynamodb
        while True:
            try:
                do()
            except dynamodb.exceptions.ContinuousBackupsUnavailableException:
                self.stage.pause(POLL_PAUSE_S)
            else:
                return

    def _require_window(self) -> None:
        dynamodb = self.stage.clients.dynamodb
        described = dynamodb.describe_continuous_backups(TableName=self.table)["ContinuousBackupsDescription"]
        recovery = described.get("PointInTimeRecoveryDescription", {})
        if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
            raise OperatorError(f"Table {self.table} has no point-in-time recovery, so no state of then.")
        first, last = recovery["EarliestRestorableDateTime"], recovery["LatestRestorableDateTime"]
        if not first.replace(microsecond=0) <= self.at <= last:
            raise OperatorError(
                f"{in_iso(self.at)} is out of reach: {self.table} can be restored to {in_iso(first)} - {in_iso(last)}."
            )

    def _other_restore(self, other: str) -> str:
        at = datetime.strptime(f"{other.rpartition('.')[2]}+0000", f"{FORM}%z")
        return (
            f"A restore to {in_iso(at)} is under way. To go on with it: --at {in_iso(at)}\n"
            f"To give it up, if table {self.table} is there: aws dynamodb delete-table --table-name {other}"
        )

    def _tables_beside(self) -> list[str]:
        pages = self.stage.clients.dynamodb.get_paginator("list_tables").paginate()
        names = (name for page in pages for name in page["TableNames"])
        return list(filter(self._is_beside, names))

    def _is_beside(self, name: str) -> bool:
        """Return whether a table is what a restore of this realm makes beside it, and no copy of an operator's own."""
        table, _, moment = name.rpartition(".")
        return table == self.table and MOMENT.fullmatch(moment) is not None

    def _find_backup(self) -> "BackupSummaryTypeDef | None":
        """Return the oldest backup of the table beside: one whose answer was lost may have a second one."""
        pages = self.stage.clients.dynamodb.get_paginator("list_backups").paginate(TableName=self.beside)
        found = (one for page in pages for one in page["BackupSummaries"] if one["BackupType"] == "USER")
        return min(found, key=lambda one: one["BackupCreationDateTime"], default=None)

    def _wait_for_backup(self) -> str:
        """Return the ARN of the backup, once it can be restored."""
        while (backup := self._find_backup()) is None or backup["BackupStatus"] != "AVAILABLE":
            self.stage.pause(POLL_PAUSE_S)
        return backup["BackupArn"]

    def _wait(self, table: str, statuses: tuple[str, ...], doing: str) -> None:
        """Wait until a table has one of these statuses, "" for none, however long that takes."""
        is_told = False
        while table_status(self.stage, table) not in statuses:
            if not is_told:
                self.tell(doing)
            is_told = True
            self.stage.pause(POLL_PAUSE_S)
