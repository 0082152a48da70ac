"""Deploy a stage: run `chalice deploy`, then put API Gateway's own answers, which each run overwrites."""

import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from chalicelib.mails.rendering import BadMailTemplates
from chalicelib.rules.loading import BadRules
from infra.deploy.api import AwsAccount, DeployedApi, UnclearApi, adopt_api, record_of, recorded_api
from infra.deploy.edge.concurrency import read_reserved
from infra.deploy.edge.throttling import read_limits
from infra.errors import OperatorError
from infra.gateway.responses import put_gateway_responses
from infra.rules.import_functions import require_deployable_imports
from infra.rules.mail_templates import require_deployable_mails
from infra.rules.packages import of_stage, require_deployable
from infra.stage.aws_faults import AWS_FAILURES, describe_failure
from infra.stage.chalice_config import PROJECT, app_name

CHALICE = (sys.executable, "-m", "infra.deploy.chalice_command")
# AWS creates no functions on older runtimes since 2026-07-31.
OLDEST_RUNTIME = (3, 12)


class DeployFailed(Exception):
    """The deployment failed, or is only half done; the message says what to do."""


class DeployNotStarted(DeployFailed):
    """Nothing was deployed: the project, the stage's name or a package has a fault."""


def chalice_deploy(stage: str, project: Path, verbose: bool = False) -> bool:
    """Run `chalice deploy`; return whether it succeeded. This Python's version becomes the function's."""
    words = [*CHALICE, "deploy", "--stage", stage, *(["--verbose"] if verbose else [])]
    run = subprocess.run(words, cwd=project, check=False)  # noqa: S603 (our own words)
    return run.returncode == 0


def deploy_stage(
    stage: str,
    project: Path = PROJECT,
    chalice: Callable[[str, Path], bool] = chalice_deploy,
    python: tuple[int, ...] = sys.version_info[:2],
    tell_adopted: Callable[[DeployedApi], object] = lambda api: None,
) -> DeployedApi:
    """Deploy the project, and return its API. Raises DeployNotStarted before anything is deployed, else DeployFailed.

    python: this Python's version, which becomes the function's. tell_adopted: takes an API that was deployed from
    another clone, before this deployment updates it.
    """
    _require_ready(stage, project)
    _require_runtime(python)
    adopted = _find_api(stage, project)
    if adopted:
        tell_adopted(adopted)
    if not chalice(stage, project):
        raise DeployFailed(
            "chalice deploy failed, as it says above; --verbose says more. "
            "The stage may be half deployed: mend it, run again."
        )
    api = deployed_api(stage, project)
    try:
        # API Gateway allows one deployment in five seconds, and Chalice has just made one: this client waits.
        account = AwsAccount(project)
        put_gateway_responses(account.apigateway(), api.rest_api_id, api.stage)
        # Chalice allows it for its own function alone.
        account.allow_calls(api, f"{app_name(project)}-{stage}-management")
    except AWS_FAILURES as failure:
        left = (
            "The function is deployed, but unknown paths and oversized bodies get AWS's own answers, "
            "or the Management API cannot be reached: run again."
        )
        raise DeployFailed(f"AWS: {describe_failure(failure)}\n{left}") from failure
    return api


def deployed_api(stage: str, project: Path = PROJECT) -> DeployedApi:
    """Return the API that was last deployed from this project. Raises DeployFailed if there is none."""
    try:
        api = recorded_api(stage, project)
    except UnclearApi as unclear:
        raise DeployFailed(str(unclear)) from unclear
    if api is None:
        record = record_of(stage, project).relative_to(project)
        raise DeployFailed(f"{record} names no REST API: stage {stage} was not deployed from here.")
    return api


def _require_runtime(python: tuple[int, ...]) -> None:
    if python < OLDEST_RUNTIME:
        raise DeployNotStarted(
            f"AWS Lambda creates no functions on Python 3.11 or older, and this is Python {platform.python_version()}. "
            "The Python that runs this command becomes the function's: make clean, then make setup PYTHON=python3.12"
        )


def _find_api(stage: str, project: Path) -> DeployedApi | None:
    try:
        return adopt_api(stage, project)
    except UnclearApi as unclear:
        raise DeployNotStarted(str(unclear)) from unclear
    except AWS_FAILURES as failure:
        raise DeployFailed(f"AWS: {describe_failure(failure)}") from failure


def _require_ready(stage: str, project: Path) -> None:
    try:
        packages = of_stage(stage, project)
        if not (project / "requirements.txt").exists():
            raise OperatorError(
                "requirements.txt is missing, and with it the function's packages: make lock writes it."
            )
        require_deployable(packages, project)
        require_deployable_mails(stage, project)
        require_deployable_imports(stage, project)
        read_limits(stage, project)
        read_reserved(stage, project)
    except (OperatorError, BadRules, BadMailTemplates) as fault:
        raise DeployNotStarted(str(fault)) from fault
