"""All checks, in the order in which they are shown."""

from collections.abc import Iterator

from infra.doctor.edge import check_edge, check_reserved
from infra.doctor.findings import Check, Examined, Finding
from infra.doctor.functions import (
    check_bcrypt,
    check_functions,
    check_packages,
    check_permissions,
    check_schedules,
)
from infra.doctor.keys import check_key_age, check_keys
from infra.doctor.limits import check_alarms, check_concurrency, check_mails, check_signatures, check_texts
from infra.doctor.reach import check_clock, check_issuer
from infra.doctor.runtime import check_botocore
from infra.doctor.storage import check_log_groups, check_shape, check_stacks, check_tables
from infra.doctor.web_acl import check_web_acl
from infra.stage.provision import write_configuration


def check_file(examined: Examined) -> Iterator[Finding]:
    """Find what `apply` would change, if a tenant file was named."""
    if examined.file is None:
        return
    changes = write_configuration(examined.stage, examined.file, dry_run=True).changes
    due = [f"{change.action} {change.what}" for change in changes if change.action != "keep"]
    if due:
        mend = f"gatehouse apply --stage {examined.stage.name} TENANT_FILE"
        yield Finding("tenant file", "amber", f"The stage is not in step: {', '.join(due)}.", mend)
    else:
        yield Finding("tenant file", "green", "The stage is in step with it.")


CHECKS: tuple[tuple[str, Check], ...] = (
    ("clock", check_clock),
    ("stacks", check_stacks),
    ("tables", check_tables),
    ("log groups", check_log_groups),
    ("items", check_shape),
    ("keys", check_keys),
    ("age of the keys", check_key_age),
    ("tenant file", check_file),
    ("functions", check_functions),
    ("botocore of the runtime", check_botocore),
    ("bcrypt", check_bcrypt),
    ("packages", check_packages),
    ("permissions", check_permissions),
    ("schedules", check_schedules),
    ("issuer", check_issuer),
    ("edge", check_edge),
    ("emails", check_mails),
    ("text messages", check_texts),
    ("concurrency", check_concurrency),
    ("reserved concurrency", check_reserved),
    ("KMS Sign", check_signatures),
    ("alarms", check_alarms),
    ("web ACL", check_web_acl),
)
