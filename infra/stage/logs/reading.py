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


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. at_ms: its time since 1970. members: the line's own. event_id: CloudWatch's."""

    at_ms: int
    event_id: str
    members: dict[str, Any]


def function_groups(stage: Stage) -> list[str]:
    """Return the log groups of the stage's functions: those of this version that are there."""
    pages = stage.clients.logs().get_paginator("describe_log_groups")
    there = pages.paginate(logGroupNamePrefix=f"{FUNCTIONS}gatehouse-{stage.name}").search("logGroups[].logGroupName")
    # By their beginning alone, those of a stage `dev-eu` could be those of `dev`.
    own, *_ = stage_stacks(stage.name, [])
    return sorted({*there} & {name for name in own.log_groups if name.startswith(FUNCTIONS)})


def read_lines(
    stage: Stage, groups: Sequence[str], since_ms: int, until_ms: int, users: Sequence[str] = ()
) -> list[LogLine]:
    """Return the lines of these groups within a time, oldest first. users: those of one of these alone."""
    found = [line for group in groups for line in _read(stage, group, since_ms, until_ms, _pattern(users))]
    ours = [line for line in found if not users or _is_of(line, users)]
    return sorted(ours, key=lambda line: line.at_ms)


def audit_groups(stage: Stage) -> list[str]:
    """Return the audit log's group, in a list."""
    return [audit_group(stage.name)]


def _read(stage: Stage, group: str, since_ms: int, until_ms: int, pattern: str) -> Iterator[LogLine]:
    pages = stage.clients.logs().get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=group, filterPattern=pattern, startTime=since_ms, endTime=until_ms)
    for page in found:
        for event in page["events"]:
            members = _parse(event["message"])
            if "time" in members:
                yield LogLine(event["timestamp"], event["eventId"], members)


def _parse(message: str) -> dict[str, Any]:
    try:
        members = json.loads(message)
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}


def _pattern(users: Sequence[str]) -> str:
    if not users or not all(map(PLAIN.fullmatch, users)):
        return OURS
    # A line of the Management API may name several users.
    terms = [f'($.user = "*{user}*")' for user in users]
    return f"{{ {' || '.join(terms)} }}"


def _is_of(line: LogLine, users: Sequence[str]) -> bool:
    return not {*str(line.members.get("user", "")).split(", ")}.isdisjoint(users)
