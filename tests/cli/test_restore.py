"""`gatehouse restore`: a drill on moto, which restores the table of now, whatever the moment.

So each drill keeps the items of the moment, and puts them into the table beside once moto has made it: that stands for
what DynamoDB restores.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.logs.models import logs_backends

from chalicelib import wiring
from chalicelib.store.logs.audit import audit_group
from infra.local.emulated_aws import REGION
from infra.stage.aws import Stage
from infra.stage.cloudformation.leftovers import delete_table, table_status
from infra.stage.people import People
from infra.stage.provision import up
from infra.stage.restore.moment import in_iso
from infra.stage.restore.restore import Restore
from infra.tenant.schema import TenantFile
from tests.cli.conftest import Gatehouse, Ran
from tests.cli.cut import CHANGING, Cut, cut_at
from tests.support.audit import audit_lines
from tests.support.fixed import Clock
from tests.support.http import Http
from tests.support.stages import client_of, provision_stage

pytestmark = pytest.mark.on_moto
REALM = ("--realm", "employees")
PASSWORD, LATER = "correct horse battery staple", "another horse battery staple"


@dataclass(slots=True, eq=False, repr=False)
class Drill:
    """A realm, its people, and the items of one moment."""

    stage: Stage
    http: Http
    directory: Path
    people: People
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    then: list[dict[str, Any]] = field(default_factory=list)

    @property
    def table(self) -> str:
        """The name of the realm's table."""
        return self.people.realm.users_table

    @property
    def restoring(self) -> Restore:
        """The restore to the moment."""
        return Restore(self.stage, self.table, self.at, lambda line: None)

    def remember(self, ago_s: int = 0) -> None:
        """Take this moment as the one to restore. ago_s: what it is called, so that two of one second differ."""
        self.at = turn_recovery_on(self.stage, self.table, ago_s)
        self.then = self.items(self.table)

    def items(self, table: str) -> list[dict[str, Any]]:
        return list(self.stage.clients.dynamodb.scan(TableName=table)["Items"])

    def run(self, *options: str) -> Ran:
        return Gatehouse(self.stage, self.directory).run("restore", *REALM, "--at", in_iso(self.at), *options)

    def make_beside(self) -> Ran:
        """Restore beside, and put the items of the moment there."""
        ran = self.run("--beside-only")
        assert ran.code == 0, ran.err
        self.fill_beside()
        return ran

    def fill_beside(self) -> None:
        dynamodb, beside = self.stage.clients.dynamodb, self.restoring.beside
        for item in self.items(beside):
            dynamodb.delete_item(TableName=beside, Key={"pk": item["pk"]})
        for item in self.then:
            dynamodb.put_item(TableName=beside, Item=item)

    def login(self, username: str, password: str = PASSWORD) -> str:
        """Return a refresh token of a login, or the error that it got."""
        answer = self.http.login(username=username, password=password, scope="offline_access").json()
        return str(answer.get("refresh_token") or answer["error"])

    def authorization(self, username: str) -> dict[str, str]:
        """Return the header of a login's access token for the userinfo endpoint."""
        answer = self.http.login(username=username, password=PASSWORD, scope="openid", audience=None).json()
        return {"Authorization": f"Bearer {answer['access_token']}"}

    def refresh(self, token: str) -> str:
        """Return "" if a refresh token is taken, else the error."""
        return str(self.http.refresh(token).json().get("error", ""))


def recover(stage: Stage, table: str) -> str:
    """Return whether a table has point-in-time recovery."""
    described = stage.clients.dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    return str(described["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"])


def turn_recovery_on(stage: Stage, table: str, ago_s: int = 0) -> datetime:
    """Turn recovery on, which moto's CloudFormation leaves out; return the one moment that moto can restore to."""
    dynamodb, in_moto = stage.clients.dynamodb, dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[table]
    # A table that is younger than the moment's second would look like one that was restored to it.
    in_moto.created_at -= timedelta(seconds=2 + ago_s)
    for is_on in (False, True):
        described = dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": is_on}
        )
    recovery = described["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    for name in ("EarliestRestorableDateTime", "LatestRestorableDateTime"):
        in_moto.continuous_backups["PointInTimeRecoveryDescription"][name] -= ago_s
    latest = recovery["LatestRestorableDateTime"] - timedelta(seconds=ago_s)
    return latest.astimezone(UTC).replace(microsecond=0)


def cut(operation: str, model: Any, **_: Any) -> None:
    """Fail a call of this name."""
    if model.name == operation:
        raise Cut(operation)


@dataclass(slots=True, eq=False, repr=False)
class Slow:
    """DynamoDB, which is busy with what it was told to make until the command pauses; moto is done at once."""

    stage: Stage
    busy: set[str] = field(default_factory=set)
    waited_for: list[set[str]] = field(default_factory=list)

    def pause(self, _: float) -> None:
        self.waited_for.append(set(self.busy))
        self.busy.clear()

    def before(self, model: Any, **_: Any) -> None:
        if model.name == "UpdateContinuousBackups" and {"recovery"} not in self.waited_for:
            self.busy.add("recovery")
            error: Any = {"Error": {"Code": "ContinuousBackupsUnavailableException", "Message": "being enabled"}}
            raise self.stage.clients.dynamodb.exceptions.ContinuousBackupsUnavailableException(error, model.name)

    def after(self, model: Any, parsed: Any, **_: Any) -> None:
        match model.name:
            case "RestoreTableToPointInTime" | "RestoreTableFromBackup":
                self.busy.add(parsed["TableDescription"]["TableName"])
            case "CreateBackup":
                self.busy.add("a backup")
            case "DescribeTable" if parsed.get("Table", {}).get("TableName") in self.busy:
                parsed["Table"]["TableStatus"] = "CREATING"
            case "ListBackups" if "a backup" in self.busy:
                parsed["BackupSummaries"] = [one | {"BackupStatus": "CREATING"} for one in parsed["BackupSummaries"]]


@contextmanager
def slow_dynamodb(stage: Stage) -> Iterator[Slow]:
    slow, events = Slow(stage), stage.clients.dynamodb.meta.events
    events.register("before-call", slow.before)
    events.register("after-call", slow.after)
    try:
        yield slow
    finally:
        events.unregister("before-call", slow.before)
        events.unregister("after-call", slow.after)


@contextmanager
def drilling(name: str, demo: TenantFile, externals: wiring.Externals, directory: Path) -> Iterator[Drill]:
    stage = provision_stage(name, demo)
    people = People.of(stage, "employees", 4)
    turn_recovery_on(stage, people.realm.users_table)
    with client_of(stage, externals) as http:
        yield Drill(stage, http, directory, people)


@pytest.fixture
def drill(
    request: pytest.FixtureRequest, demo: TenantFile, aws: Stage, externals: wiring.Externals, tmp_path: Path
) -> Iterator[Drill]:
    """A realm of a stage of the test's own, with two people in it."""
    name = "r" + str(abs(hash(request.node.name)) % 10**8)
    with drilling(name, demo, externals, tmp_path) as drill:
        for username in ("stays", "leaves"):
            drill.people.add(username=username, password=PASSWORD, password_hash=None)
        yield drill


def test_realm_is_as_it_was_and_nothing_that_was_given_out_before_the_restore_holds(
    drill: Drill, demo: TenantFile
) -> None:
    people = drill.people
    for ago_s in (1, 0):
        before, headers = drill.login("stays"), drill.authorization("stays")
        known = drill.http.get("/userinfo", headers=headers).status_code
        drill.remember(ago_s)
        people.set_password(people.find("stays"), LATER)
        people.delete(people.find("leaves"))
        newcomer = people.add(username="newcomer", password=PASSWORD, password_hash=None)
        given = [before, drill.login("stays", LATER), drill.login("newcomer")]

        looked = drill.make_beside()
        ran = drill.run("--yes")

        assert (looked.code, looked.err, ran.code, ran.err) == (0, "", 0, "")
        assert "1 people who were made since would be gone." in ran.out
        assert "1 people would have their password of then." in ran.out
        assert f"Deleted since: {people.find('leaves').user_id}" in ran.out
        assert people.users.read(newcomer.user_id) is None
        assert [drill.refresh(token) for token in given] == ["invalid_grant"] * 3
        # The version goes up to what it was when the later tokens were given out, were it not raised by the restore.
        people.set_password(people.find("stays"), PASSWORD + "!")
        people.set_password(people.find("stays"), PASSWORD)
        assert [drill.refresh(token) for token in given] == ["invalid_grant"] * 3
        assert (known, drill.http.get("/userinfo", headers=headers).status_code) == (200, 401)
        assert drill.login("stays", LATER) == "invalid_grant"
        assert drill.refresh(drill.login("stays")) == ""
        assert drill.refresh(drill.login("leaves")) == ""
    assert up(drill.stage, demo) == []


def test_restored_table_has_what_up_gives_a_table_and_nothing_is_left_beside(drill: Drill) -> None:
    drill.remember()
    dynamodb = drill.stage.clients.dynamodb
    # moto's CloudFormation leaves this out.
    dynamodb.update_table(TableName=drill.table, DeletionProtectionEnabled=True)
    before = dynamodb.describe_table(TableName=drill.table)["Table"]
    ran = drill.run("--yes")
    after = dynamodb.describe_table(TableName=drill.table)["Table"]
    tags = dynamodb.list_tags_of_resource(ResourceArn=after["TableArn"])["Tags"]
    names = [name for page in dynamodb.get_paginator("list_tables").paginate() for name in page["TableNames"]]

    assert (ran.code, ran.err) == (0, "")
    assert before["CreationDateTime"] < after["CreationDateTime"]
    assert [after[name] for name in ("KeySchema", "DeletionProtectionEnabled", "TableArn")] == [
        before[name] for name in ("KeySchema", "DeletionProtectionEnabled", "TableArn")
    ]
    assert recover(drill.stage, drill.table) == "ENABLED"
    assert {"Key": "gatehouse-stage", "Value": drill.stage.name} in tags
    assert [name for name in names if name.startswith(drill.table)] == [drill.table]
    assert dynamodb.list_backups(TableName=drill.restoring.beside)["BackupSummaries"] == []


def test_logins_of_the_realm_get_503_while_its_table_is_gone_and_other_realms_go_on(drill: Drill) -> None:
    drill.remember()
    drill.make_beside()
    cut_after_delete = partial(cut, "DeleteTable")
    events = drill.stage.clients.dynamodb.meta.events
    events.register("after-call", cut_after_delete)
    with pytest.raises(Cut):
        drill.restoring.put_in_place()
    events.unregister("after-call", cut_after_delete)
    refused = drill.http.login(username="stays", password=PASSWORD)
    other = drill.http.realm_login("customers", username="nobody", password=PASSWORD)
    looked, ran = drill.run("--beside-only"), drill.run()

    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert (other.status_code, other.json()["error"]) == (400, "invalid_grant")
    assert "without --beside-only" in looked.out
    assert (ran.code, ran.err) == (0, "")
    assert drill.refresh(drill.login("stays")) == ""


def test_restore_that_is_cut_off_at_any_call_ends_the_same_at_its_next_run(
    drill: Drill, clock: Clock, demo: TenantFile
) -> None:
    drill.stage = replace(drill.stage, pause=clock.pause)
    refresh_token = drill.login("stays")
    drill.remember()

    def whole() -> None:
        drill.restoring.make_beside()
        drill.restoring.put_in_place()

    with cut_at(drill.stage, -1) as calls:
        whole()
    cuts = [
        (number, when)
        for number, name in enumerate(calls.made)
        for when in ("before-call", "after-call")
        if name.startswith((*CHANGING, "Restore")) and name != "UpdateItem"
    ]
    for ago_s, (number, when) in zip(reversed(range(len(cuts))), cuts, strict=True):
        drill.remember(ago_s)
        with cut_at(drill.stage, number, when), pytest.raises(Cut):
            whole()
        if not drill.restoring.is_done():
            whole()
        names = [
            name
            for page in drill.stage.clients.dynamodb.get_paginator("list_tables").paginate()
            for name in page["TableNames"]
        ]
        assert [name for name in names if name.startswith(drill.table)] == [drill.table], (number, when)
        assert recover(drill.stage, drill.table) == "ENABLED", (number, when)

    assert len(cuts) > 10
    assert drill.refresh(refresh_token) == "invalid_grant"
    assert drill.refresh(drill.login("stays")) == ""
    assert up(drill.stage, demo) == []


def test_restore_waits_while_dynamodb_is_at_work_and_says_for_what(drill: Drill) -> None:
    drill.remember()
    told: list[str] = []
    with slow_dynamodb(drill.stage) as slow:
        restoring = Restore(replace(drill.stage, pause=slow.pause), drill.table, drill.at, told.append)
        restoring.make_beside()
        restoring.put_in_place()

    assert [line for line in told if "restores into" in line] == [
        f"DynamoDB restores into {restoring.beside}",
        f"DynamoDB restores into {drill.table}",
    ]
    assert slow.waited_for == [{restoring.beside}, {"a backup"}, {drill.table}, {"recovery"}]
    assert recover(drill.stage, drill.table) == "ENABLED"


def test_restore_is_audited_and_changes_nothing_without_its_line(drill: Drill) -> None:
    drill.remember()
    groups = logs_backends[DEFAULT_ACCOUNT_ID][REGION].groups
    group = groups.pop(audit_group(drill.stage.name))
    try:
        refused = drill.run("--yes")
    finally:
        groups[audit_group(drill.stage.name)] = group
    beside = table_status(drill.stage, drill.restoring.beside)
    ran = drill.run("--yes")

    assert (refused.code, beside, ran.code) == (2, "", 0)
    named = {"what": "restore", "realm": "employees", "at": in_iso(drill.at)}
    assert [line.get("result") for line in audit_lines(drill.stage) if line.items() >= named.items()] == [None, "done"]


def test_refused_question_leaves_the_realm_as_it_is_and_says_how_to_go_on(drill: Drill) -> None:
    refresh_token = drill.login("stays")
    drill.remember()
    ran = Gatehouse(drill.stage, drill.directory).run("restore", *REALM, "--at", in_iso(drill.at), typed="n\n")

    assert ran.code == 0
    assert f"--at {in_iso(drill.at)}" in ran.out
    assert f"aws dynamodb delete-table --table-name {drill.restoring.beside}" in ran.out
    assert drill.refresh(refresh_token) == ""


def test_other_moment_than_that_of_a_restore_under_way_is_refused(drill: Drill) -> None:
    drill.remember()
    drill.make_beside()
    ran = Gatehouse(drill.stage, drill.directory).run("restore", *REALM, "--at", "1m ago")

    assert ran.code == 2
    assert f"A restore to {in_iso(drill.at)} is under way. To go on with it: --at {in_iso(drill.at)}" in ran.err


def test_moment_out_of_reach_is_refused_with_the_window(drill: Drill) -> None:
    ran = Gatehouse(drill.stage, drill.directory).run("restore", *REALM, "--at", "40d ago")

    assert ran.code == 2
    assert f"is out of reach: {drill.table} can be restored to 20" in ran.err


def test_table_that_is_gone_is_said(drill: Drill) -> None:
    drill.remember()
    delete_table(drill.stage, drill.table)
    ran = drill.run("--yes")

    assert ran.code == 2
    assert f"Table {drill.table} is gone. `gatehouse up` says how to bring it back." in ran.err


def test_backup_of_a_restore_that_was_given_up_goes_with_the_next_one(drill: Drill) -> None:
    drill.remember()
    dynamodb, given_up = drill.stage.clients.dynamodb, f"{drill.table}.20260101T000000Z"
    dynamodb.restore_table_to_point_in_time(SourceTableName=drill.table, TargetTableName=given_up)
    dynamodb.create_backup(TableName=given_up, BackupName=given_up)
    dynamodb.delete_table(TableName=given_up)
    ran = drill.run("--yes")

    assert (ran.code, ran.err) == (0, "")
    assert dynamodb.list_backups(TableName=given_up)["BackupSummaries"] == []


def test_copy_that_an_operator_made_is_no_restore_and_keeps_its_backup(drill: Drill) -> None:
    drill.remember()
    dynamodb, copy = drill.stage.clients.dynamodb, f"{drill.table}.before-the-move"
    dynamodb.restore_table_to_point_in_time(SourceTableName=drill.table, TargetTableName=copy)
    dynamodb.create_backup(TableName=copy, BackupName="mine")
    ran = drill.run("--yes")
    kept = [one["BackupName"] for one in dynamodb.list_backups(TableName=copy)["BackupSummaries"]]

    assert (ran.code, ran.err) == (0, "")
    assert (kept, table_status(drill.stage, copy)) == (["mine"], "ACTIVE")


def test_table_without_recovery_is_refused(drill: Drill) -> None:
    drill.stage.clients.dynamodb.update_continuous_backups(
        TableName=drill.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    ran = drill.run()

    assert ran.code == 2
    assert "has no point-in-time recovery" in ran.err
