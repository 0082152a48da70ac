"""`gatehouse deploy`: deploy a stage's function and API by Chalice, then put API Gateway's own answers."""

from functools import partial
from typing import Annotated

import typer

from infra.cli.migrate_stage import say_if_migration_is_due
from infra.cli.options import EXIT_AWS_FAILED, EXIT_OPERATOR_ERROR, StageOption, console, verbose
from infra.deploy.api import DeployedApi
from infra.deploy.deploy import DeployFailed, DeployNotStarted, chalice_deploy, deploy_stage
from infra.stage.aws import reach


def deploy(
    stage: StageOption,
    is_verbose: Annotated[bool, typer.Option("--verbose", help="Print the tracebacks of a failure too.")] = False,
) -> None:
    """Deploy the function and the API, with API Gateway's own answers in our form."""
    chalice = partial(chalice_deploy, verbose=is_verbose or verbose.get())
    try:
        api = deploy_stage(stage, chalice=chalice, tell_adopted=partial(_show_adopted, stage))
    except DeployFailed as failure:
        typer.echo(str(failure), err=True)
        raise typer.Exit(EXIT_OPERATOR_ERROR if isinstance(failure, DeployNotStarted) else EXIT_AWS_FAILED) from None
    console.print(f"Stage {stage} is deployed: {api.url}")
    say_if_migration_is_due(reach(stage))


def _show_adopted(stage: str, api: DeployedApi) -> None:
    console.print(f"Stage {stage} is deployed already, from elsewhere: {api.url} is updated, and recorded here.")
