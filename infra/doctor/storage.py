"""Checks of what a stage keeps: stacks, tables, log groups."""

from collections.abc import Iterator

from chalicelib.store.logs.audit import audit_group
from infra.doctor.findings import Examined, Finding
from infra.stage.cloudformation.leftovers import table_status
from infra.stage.cloudformation.stack_status import Unsound
from infra.stage.cloudformation.stacks import Stack, stage_stacks
from infra.stage.health import USABLE, require_sound
from infra.stage.migration.migrate import is_due

# Those whose items end by themselves.
WITH_TTL = ("sessions", "attempts")


def realms_of(examined: Examined) -> list[str]:
    """Return the names of the realms that the stage has."""
    documents = examined.stage.config().documents()
    return sorted(key.removeprefix("realm#") for key, _ in documents if key.startswith("realm#"))


def check_stacks(examined: Examined) -> Iterator[Finding]:
    """Find failed stacks, tables that were deleted by hand, keys that do not work."""
    try:
        require_sound(examined.stage, realms_of(examined))
    except Unsound as unsound:
        yield Finding("stacks", "red", str(unsound), "see the message")
        return
    changed = [stack.name for stack in _stacks(examined) if _is_behind(examined, stack)]
    if changed:
        yield Finding("stacks", "amber", f"Behind their template: {', '.join(changed)}.", _up(examined))
    else:
        yield Finding("stacks", "green", "Each is as its template says.")


def check_tables(examined: Examined) -> Iterator[Finding]:
    """Find tables that are gone, end nothing by TTL, cannot be restored, or can be deleted by mistake."""
    for name in (table for stack in _stacks(examined) for table in stack.tables):
        faults = list(_table_faults(examined, name))
        yield from faults or [Finding(f"table {name}", "green", "It serves, is backed up, and ends what it should.")]


def check_log_groups(examined: Examined) -> Iterator[Finding]:
    """Find log groups that are missing, or keep their lines for ever."""
    logs = examined.stage.clients.logs()
    wanted = [group for stack in _stacks(examined) for group in stack.log_groups]
    for name in [*wanted, audit_group(examined.stage.name)]:
        found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        days = next((one.get("retentionInDays", 0) for one in found if one["logGroupName"] == name), None)
        if days is None:
            yield Finding(f"log group {name}", "red", "It is missing.", _up(examined))
        elif not days:
            keep = f"aws logs put-retention-policy --log-group-name {name} --retention-in-days 90"
            yield Finding(f"log group {name}", "amber", "It keeps its lines for ever.", keep)
        else:
            yield Finding(f"log group {name}", "green", f"It keeps its lines for {days} days.")


def check_shape(examined: Examined) -> Iterator[Finding]:
    """Find items in the shape of the version before."""
    if is_due(examined.stage):
        mend = f"gatehouse migrate --stage {examined.stage.name}"
        yield Finding(
            "items", "amber", "Some have the shape of the version before, which the next one may not read.", mend
        )
    else:
        yield Finding("items", "green", "Those that were looked at have the shape of this version.")


def _stacks(examined: Examined) -> list[Stack]:
    return stage_stacks(examined.stage.name, realms_of(examined))


def _is_behind(examined: Examined, stack: Stack) -> bool:
    cloudformation = examined.stage.cloudformation
    return str(cloudformation.get_template(StackName=stack.name)["TemplateBody"]) != stack.template


def _table_faults(examined: Examined, name: str) -> Iterator[Finding]:
    check, dynamodb = f"table {name}", examined.stage.clients.dynamodb
    status = table_status(examined.stage, name)
    if status not in USABLE:
        yield Finding(check, "red", f"It is {status or 'not there'}.", _up(examined))
        return
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") != "ENABLED":
        on = "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
        mend = f"aws dynamodb update-continuous-backups --table-name {name} {on}"
        yield Finding(check, "red", "It cannot be restored: point-in-time recovery is off.", mend)
    if name.removeprefix(examined.stage.prefix) in WITH_TTL:
        yield from _ttl_faults(examined, name)
    table = dynamodb.describe_table(TableName=name)["Table"]
    if examined.is_lasting and not table.get("DeletionProtectionEnabled"):
        mend = f"aws dynamodb update-table --table-name {name} --deletion-protection-enabled"
        yield Finding(check, "amber", "One wrong command deletes it: its protection is off.", mend)


def _ttl_faults(examined: Examined, name: str) -> Iterator[Finding]:
    ttl = examined.stage.clients.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if ttl.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        on = "--time-to-live-specification Enabled=true,AttributeName=expires_at"
        mend = f"aws dynamodb update-time-to-live --table-name {name} {on}"
        yield Finding(f"table {name}", "red", "What has ended stays for ever: its TTL is off.", mend)


def _up(examined: Examined) -> str:
    return f"gatehouse up --stage {examined.stage.name} TENANT_FILE"
