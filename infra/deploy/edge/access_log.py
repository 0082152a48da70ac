"""Let API Gateway write a line for each request, those too that never reach a function.

A line has no body, no query, no header and no path that holds an id: nobody's password or token comes into it.
"""

import json
from typing import TYPE_CHECKING, Any

from infra.deploy.api import DeployedApi
from infra.stage.changes import PlannedChange

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_logs.client import CloudWatchLogsClient

# API Gateway's variables. Each is in quotes, as it writes `-` for one that it lacks. It does not say that it escapes
# them, so what a client chooses freely, such as User-Agent, is none of them: it could write members of its own.
FORMAT = json.dumps(
    {
        "time_ms": "$context.requestTimeEpoch",
        "request_id": "$context.requestId",
        "client_ip": "$context.identity.sourceIp",
        "method": "$context.httpMethod",
        "path": "$context.resourcePath",
        "status": "$context.status",
        "error": "$context.error.responseType",
        "ms": "$context.responseLatency",
        "function_ms": "$context.integrationLatency",
        "bytes": "$context.responseLength",
    }
)
NO_GROUP = "off: there is no log group {group}; gatehouse up --stage {stage} TENANT_FILE makes it, then deploy again"
NO_ROLE = (
    "off: API Gateway may not write logs in this account and Region. "
    "docs/run/edge.md, Access logs, has the commands, once an account; then deploy again"
)
# AWS's words if the account has no role for it, as public reports have them.
ROLE_IS_MISSING = "CloudWatch Logs role"


def access_group(stage: str) -> str:
    """Return the name of a stage's log group of accesses, as infra/stage/stage.yaml has it."""
    return f"/gatehouse/{stage}/access"


def wanted_settings(logs: "CloudWatchLogsClient", group: str) -> dict[str, str] | None:
    """Return API Gateway's `accessLogSettings` of a log group, or None if there is no such group."""
    found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    arn = next((one["arn"] for one in found if one["logGroupName"] == group), None)
    return {"destinationArn": arn.removesuffix(":*"), "format": FORMAT} if arn else None


def access_log_changes(
    client: "APIGatewayClient", logs: "CloudWatchLogsClient", api: DeployedApi, stage: str
) -> list[PlannedChange]:
    """Turn the access log on. Return the change; it is `keep`, with the reason, if that cannot be done."""
    group = access_group(stage)
    what, wanted = f"access log {group}", wanted_settings(logs, group)
    if wanted is None:
        return [PlannedChange("keep", what, NO_GROUP.format(group=group, stage=stage))]
    held: Any = client.get_stage(restApiId=api.rest_api_id, stageName=api.stage).get("accessLogSettings") or {}
    if held == wanted:
        return []
    try:
        client.update_stage(
            restApiId=api.rest_api_id,
            stageName=api.stage,
            patchOperations=[
                {"op": "replace", "path": f"/accessLogSettings/{name}", "value": value}
                for name, value in wanted.items()
            ],
        )
    except client.exceptions.BadRequestException as refusal:
        if ROLE_IS_MISSING not in str(refusal):
            raise
        return [PlannedChange("keep", what, NO_ROLE)]
    return [PlannedChange("update" if held else "create", what, "without bodies, queries and headers")]
