"""Read a stage's audit log out of moto."""

import json
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.logs.models import LogGroup, logs_backends

from chalicelib.store.logs.audit import audit_group
from infra.local.emulated_aws import REGION
from infra.stage.aws import Stage


def log_groups(region: str = REGION) -> dict[str, LogGroup]:
    """Return the log groups of this process by name, to change them."""
    groups: dict[str, LogGroup] = logs_backends[DEFAULT_ACCOUNT_ID][region].groups
    return groups


def audit_lines(stage: Stage, region: str = REGION) -> list[dict[str, Any]]:
    """Return the lines of a stage's audit log, oldest first."""
    streams = log_groups(region)[audit_group(stage.name)].streams.values()
    events = sorted((event for stream in streams for event in stream.events), key=lambda event: event.event_id)
    return [json.loads(event.message) for event in events]
