"""Bring the edge of a deployed stage to its settings. `chalice deploy` sets none of them."""

from pathlib import Path

from infra.deploy.api import AwsAccount, DeployedApi
from infra.deploy.edge.access_log import access_log_changes
from infra.deploy.edge.throttling import read_limits, throttling_changes
from infra.stage.aws import Stage
from infra.stage.chalice_config import PROJECT
from infra.stage.changes import PlannedChange


def edge_changes(stage: Stage, api: DeployedApi, project: Path = PROJECT) -> list[PlannedChange]:
    """Set the throttling and the access log of a stage. Return the changes, none if all is set already."""
    client = AwsAccount(project).apigateway()
    return [
        *throttling_changes(client, api, read_limits(stage.name, project)),
        *access_log_changes(client, stage.clients.logs(), api, stage.name),
    ]
