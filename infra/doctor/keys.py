"""Checks of the signing keys: do they work, and are they as young as the tenant file asks."""

import time
from collections.abc import Iterator

from infra.doctor.findings import Examined, Finding
from infra.stage.keys import data_key_faults, signing_key_faults, stage_key_faults

DAY_S = 86_400
# The schedule takes some days from a next key to a current one.
GRACE_DAYS = 7
# Without a schedule a year is long.
OLD_DAYS = 365
DEFAULT_DAYS = 90


def check_keys(examined: Examined) -> Iterator[Finding]:
    """Find keys of KMS that cannot be used, and signing keys that nobody has rotated."""
    stage = examined.stage
    known = stage.config().keys()
    faults = [*signing_key_faults(stage, known), *data_key_faults(stage), *stage_key_faults(stage)]
    for line in faults:
        yield Finding("keys", "red", line, "see the message")
    if not known.keys:
        yield Finding("keys", "red", "There is no signing key.", f"gatehouse up --stage {stage.name} TENANT_FILE")
    if not faults and known.keys:
        yield Finding("keys", "green", "The signing keys, the data key and the stage key can be used.")


def check_key_age(examined: Examined) -> Iterator[Finding]:
    """Find signing keys that are older than the schedule lets them grow."""
    stage, now = examined.stage, time.time()
    tenant = dict(stage.config().documents()).get("tenant", {})
    rotation_days = int(tenant.get("keys", {}).get("rotation_days", DEFAULT_DAYS))
    most = rotation_days + GRACE_DAYS if rotation_days else OLD_DAYS
    for key in [one for one in stage.config().keys().keys if one.status == "current"]:
        days = int((now - key.since) / DAY_S)
        check = f"age of the {key.alg} key"
        if days <= most:
            yield Finding(check, "green", f"{days} days; at most {most} are expected.")
        elif rotation_days:
            yield Finding(check, "red", f"{days} days: the schedule should have rotated it.", _rotate(stage.name))
        else:
            yield Finding(
                check, "amber", f"{days} days, and the tenant file has rotation_days: 0.", _rotate(stage.name)
            )


def _rotate(stage: str) -> str:
    return f"gatehouse keys rotate --stage {stage}"
