"""`gatehouse deploy`: deploy a stage's function and API by Chalice, then put API Gateway's own answers."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.audit import auditing
from infra.cli.migrate_stage import say_if_migration_is_due
from infra.cli.options import EXIT_AWS_FAILED, EXIT_OPERATOR_ERROR, StageOption, console, reports_failures, verbose
from infra.cli.output.plan import show
from infra.deploy.api import DeployedApi
from infra.deploy.deploy import DeployFailed, DeployNotStarted, chalice_deploy, deploy_stage
from infra.deploy.edge.concurrency import require_unreserved
from infra.deploy.edge.settings import edge_changes
from infra.deploy.web_acl import protect
from infra.errors import OperatorError
from infra.rules.import_functions import require_functions_of_realms
from infra.stage.aws import Stage, reach
from infra.stage.aws_faults import AWS_FAILURES, describe_failure
from infra.stage.chalice_config import PROJECT, issuer_of
from infra.stage.logs.subscription import connect_events

APPLY = "`gatehouse apply` connects them too."
WAF = "If it has one, `gatehouse up --waf` puts it before the API too."


@reports_failures
def deploy(
    stage: StageOption,
    is_verbose: Annotated[bool, typer.Option("--verbose", help="Print the tracebacks of a failure too.")] = False,
) -> None:
    """Deploy the function and the API, with API Gateway's own answers in our form."""
    try:
        with ExitStack() as stack:

            def audited_chalice(stage: str, project: Path) -> bool:
                # The checks come before, and change nothing.
                require_functions_of_realms(reach(stage), project)
                require_unreserved(stage, project)
                stack.enter_context(auditing(reach(stage), "deploy"))
                return chalice_deploy(stage, project, verbose=is_verbose or verbose.get())

            api = deploy_stage(stage, chalice=audited_chalice, tell_adopted=partial(_show_adopted, stage))
            _connect_events(reach(stage))
            _protect(reach(stage))
            _set_edge(reach(stage), api)
    except DeployFailed as failure:
        typer.echo(str(failure), err=True)
        raise typer.Exit(EXIT_OPERATOR_ERROR if isinstance(failure, DeployNotStarted) else EXIT_AWS_FAILED) from None
    console.print(f"Stage {stage} is deployed: {issuer_of(stage) or api.url}")
    say_if_migration_is_due(reach(stage))


def _connect_events(stage: Stage) -> None:
    """Connect the stage's events. An operator who may deploy, and not read the configuration, is told who can."""
    try:
        connect_events(stage)
    except AWS_FAILURES as failure:
        typer.echo(f"The stage's events are as they were: {describe_failure(failure)}. {APPLY}", err=True)


def _protect(stage: Stage) -> None:
    """Put the stage's web ACL before its API. An operator who may deploy, and not do this, is told who can."""
    try:
        if protect(stage, PROJECT):
            console.print(f"Web ACL gatehouse-{stage.name} stands before the API.")
    except OperatorError as fault:
        typer.echo(str(fault), err=True)
    except AWS_FAILURES as failure:
        typer.echo(f"The stage's web ACL is as it was: {describe_failure(failure)}. {WAF}", err=True)


def _set_edge(stage: Stage, api: DeployedApi) -> None:
    """Set the throttling and the access log, and print what changed. Raises DeployFailed."""
    try:
        changes = edge_changes(stage, api)
    except AWS_FAILURES as failure:
        left = "The function is deployed, but its throttling or its access log are not as they should be: run again."
        raise DeployFailed(f"AWS: {describe_failure(failure)}\n{left}") from failure
    if changes:
        show(console, f"The edge of stage {stage.name}", changes)


def _show_adopted(stage: str, api: DeployedApi) -> None:
    console.print(f"Stage {stage} is deployed already, from elsewhere: {api.url} is updated, and recorded here.")
