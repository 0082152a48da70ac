"""A check of what Lambda's runtime brings, by the last line of a function: no call of AWS tells it."""

import time
from collections.abc import Iterator

from chalicelib.http.rotation import KEYS
from chalicelib.settings import BadSettings
from chalicelib.store.aws.botocore_version import OLDEST_BOTOCORE, require_botocore
from infra.doctor.findings import Examined, Finding
from infra.stage.logs.reading import FUNCTIONS, find_lines, function_groups

DAY_S = 86_400
CHECK = "botocore of the runtime"
PATTERN = f'{{ $.event = "{KEYS}" }}'


def check_botocore(examined: Examined) -> Iterator[Finding]:
    """Find a botocore of the runtime that is too old, as the hourly function last wrote it into its log."""
    version = _last_version(examined)
    if not version:
        why = "the rotation runs each hour after gatehouse deploy, and writes it into its log"
        yield Finding(CHECK, "amber", "No function has told it within a day.", why)
        return
    try:
        require_botocore(version)
    except BadSettings as old:
        yield Finding(CHECK, "red", str(old), "deploy with a newer Python, or add botocore to requirements.txt")
    else:
        yield Finding(CHECK, "green", f"{version}; {OLDEST_BOTOCORE} or newer is needed.")


def _last_version(examined: Examined) -> str:
    group, now_ms = f"{FUNCTIONS}{examined.function('rotate_keys')}", int(1000 * time.time())
    groups = [one for one in function_groups(examined.stage) if one == group]
    lines = find_lines(examined.stage, groups, now_ms - 1000 * DAY_S, now_ms, PATTERN)
    told = [(line.at_ms, str(line.members["botocore"])) for line in lines if "botocore" in line.members]
    return max(told)[1] if told else ""
