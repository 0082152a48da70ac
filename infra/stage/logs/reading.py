"""Read the log lines of a stage's functions and its audit log from CloudWatch Logs."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.store.logs.audit import audit_group
from infra.stage.aws import Stage
from infra.stage.cloudformation.stacks import stage_stacks

# CloudWatch compares this in a quoted text of a filter pattern as it stands. Other texts are compared here alone.
PLAIN = re.compile(r"[A-Za-z0-9|@._:+-]+")
FUNCTIONS = "/aws/lambda/"
# Lambda's own lines, such as START and REPORT, are no JSON.
OURS = '{ $.time = "*" }'
REQUESTS = "{ $.status >= 0 }"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. at_ms: its time since 1970. members: the line's own. event_id: CloudWatch's."""

    at_ms: int
    event_id: str
    members: dict[str, Any]


def function_groups(stage: Stage) -> list[str]:
    """Return the log groups of the stage's functions: those of this version that are there."""
    # By their beginning alone, those of a stage `dev-eu` could be those of `dev`.
    own, *_ = stage_stacks(stage.name, [])
    return sorted(_there(stage, f"{FUNCTIONS}gatehouse-{stage.name}") & {*own.log_groups})


def audit_groups(stage: Stage) -> list[str]:
    """Return the audit log's group in a list, which is empty if the version before made the stage."""
    group = audit_group(stage.name)
    return sorted(_there(stage, group) & {group})


def _there(stage: Stage, prefix: str) -> set[str]:
    pages = stage.clients.logs().get_paginator("describe_log_groups")
    return {*pages.paginate(logGroupNamePrefix=prefix).search("logGroups[].logGroupName")}


def find_lines(
    stage: Stage, groups: Sequence[str], since_ms: int, until_ms: int, pattern: str = OURS
) -> Iterator[LogLine]:
    """Yield the lines of these groups within a time, group by group. pattern: CloudWatch's, which leaves out others."""
    pages = stage.clients.logs().get_paginator("filter_log_events")
    for group in groups:
        found = pages.paginate(logGroupName=group, filterPattern=pattern, startTime=since_ms, endTime=until_ms)
        for event in (event for page in found for event in page["events"]):
            members = _parse(event["message"])
            if "time" in members:
                yield LogLine(event["timestamp"], event["eventId"], members)


def find_lines_of(
    stage: Stage, groups: Sequence[str], since_ms: int, until_ms: int, users: Sequence[str]
) -> Iterator[LogLine]:
    """Yield the lines of these groups within a time that name one of the users."""
    found = find_lines(stage, groups, since_ms, until_ms, _pattern(users))
    return (line for line in found if _names(line).intersection(users))


def _parse(message: str) -> dict[str, Any]:
    try:
        members = json.loads(message)
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}


def _pattern(users: Sequence[str]) -> str:
    if not all(map(PLAIN.fullmatch, users)):
        return OURS
    # A line of the Management API may name several users.
    terms = [f'($.user = "*{user}*")' for user in users]
    return f"{{ {' || '.join(terms)} }}"


def _names(line: LogLine) -> set[str]:
    return {*str(line.members["user"]).split(", ")} if "user" in line.members else set()
