"""Hold what a stage's functions reserve of Lambda's concurrent executions against what the account has."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.errors import OperatorError
from infra.stage.aws import PATIENT, new_session
from infra.stage.aws_faults import AWS_FAILURES
from infra.stage.chalice_config import PROJECT, function_configs

# AWS keeps so many for the functions that reserve none.
UNRESERVED = 100


def read_reserved(stage: str, project: Path = PROJECT) -> dict[str, int | None]:
    """Return the executions that each function of a stage reserves; None for one that reserves none.

    Raises OperatorError for what is no number of executions.
    """
    reserved: dict[str, int | None] = {
        name: one.reserved_concurrency for name, one in function_configs(stage, project).items()
    }
    for name, number in reserved.items():
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
            raise OperatorError(
                f".chalice/config.json, stage {stage}: reserved_concurrency of {name} is no whole number from 1 on. "
                "Leave it out to reserve none."
            )
    return reserved


def make_client() -> Any:
    """Return a client of Lambda. Its types are not installed."""
    return new_session().client("lambda", config=PATIENT)


def require_unreserved(stage: str, project: Path = PROJECT, client: Callable[[], Any] = make_client) -> None:
    """Raise OperatorError if a stage reserves more than the account has to give.

    client: makes boto3's client of Lambda. A stage that reserves nothing asks nothing.
    """
    reserved = read_reserved(stage, project)
    wanted = sum(number or 0 for number in reserved.values())
    if not wanted:
        return
    most = _most(client(), list(reserved))
    if most is not None and wanted > most:
        raise OperatorError(
            f"Stage {stage} reserves {wanted} executions in .chalice/config.json, and this account and Region can give "
            f"{max(most, 0)}: AWS keeps {UNRESERVED} for the other functions. "
            "Lower reserved_concurrency, or raise L-B99A9384 in Service Quotas."
        )


def find_reserved(client: Any, function: str) -> int | None:
    """Return the executions that a function holds in reserve, or None. client: boto3's of Lambda."""
    try:
        found: int | None = client.get_function_concurrency(FunctionName=function).get("ReservedConcurrentExecutions")
    except client.exceptions.ResourceNotFoundException:
        return None
    return found


def _most(client: Any, functions: list[str]) -> int | None:
    """Return how many executions these functions can reserve together; None if AWS does not say, as it then refuses."""
    try:
        free: int = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
        return free + sum(find_reserved(client, name) or 0 for name in functions) - UNRESERVED
    except AWS_FAILURES:
        return None
