"""Checks of the edge: throttling, the access log, API Gateway's own log, and what the functions reserve."""

from collections.abc import Iterator
from typing import Any

from infra.deploy.api import AwsAccount, DeployedApi
from infra.deploy.edge.access_log import access_group, wanted_settings
from infra.deploy.edge.concurrency import find_reserved, read_reserved
from infra.deploy.edge.throttling import describe_limit, differing_groups, read_limits
from infra.doctor.findings import Examined, Finding


def check_edge(examined: Examined) -> Iterator[Finding]:
    """Find limits that are others than the project's, an access log that is off, and bodies that are logged."""
    # If there is none, the check of the issuer says so; if there are several, `deploy` does.
    for api in AwsAccount(examined.project).apis_of(examined.stage.name)[:1]:
        stage: Any = examined.client("apigateway").get_stage(restApiId=api.rest_api_id, stageName=api.stage)
        yield _throttling(examined, stage)
        yield _access_log(examined, stage)
        yield from _bodies(api, stage)


def check_reserved(examined: Examined) -> Iterator[Finding]:
    """Find functions that reserve other executions than the project says."""
    client, reserved = examined.client("lambda"), read_reserved(examined.stage.name, examined.project)
    differs = [name for name, number in reserved.items() if find_reserved(client, name) != number]
    if differs:
        message = f"Other than in .chalice/config.json: {', '.join(differs)}."
        yield Finding("reserved concurrency", "amber", message, _deploy(examined))
    else:
        total = sum(number or 0 for number in reserved.values())
        message = f"{total} executions, as configured." if total else "None, as configured."
        yield Finding("reserved concurrency", "green", message)


def _throttling(examined: Examined, stage: Any) -> Finding:
    limits = read_limits(examined.stage.name, examined.project)
    differs = differing_groups(stage["methodSettings"], limits)
    if differs:
        message = f"Other limits than the project's: {', '.join(differs)}."
        return Finding("throttling", "amber", message, _deploy(examined))
    return Finding("throttling", "green", f"Logins: {describe_limit(limits['logins'])}.")


def _access_log(examined: Examined, stage: Any) -> Finding:
    wanted = wanted_settings(examined.stage.clients.logs(), access_group(examined.stage.name))
    if wanted and stage.get("accessLogSettings") == wanted:
        return Finding("access log", "green", "API Gateway writes a line a request.")
    mend = f"{_deploy(examined)}, which says what is missing"
    return Finding("access log", "amber", "It is off, or has another form than this version's.", mend)


def _bodies(api: DeployedApi, stage: Any) -> Iterator[Finding]:
    traced = [name for name, one in stage["methodSettings"].items() if one.get("dataTraceEnabled")]
    if traced:
        paths = " ".join(f"'op=replace,path=/{name}/logging/dataTrace,value=false'" for name in traced)
        mend = (
            f"aws apigateway update-stage --rest-api-id {api.rest_api_id} --stage-name {api.stage} "
            f"--patch-operations {paths}; then delete the log group "
            f"API-Gateway-Execution-Logs_{api.rest_api_id}/{api.stage}"
        )
        message = f"API Gateway logs bodies, and so passwords and tokens: {', '.join(traced)}."
        yield Finding("bodies in logs", "red", message, mend)


def _deploy(examined: Examined) -> str:
    return f"gatehouse deploy --stage {examined.stage.name}"
