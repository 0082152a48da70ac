"""The words of a failure of `chalice deploy`: its one good line, and the rest for those who ask."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, NoRegionError
from chalice.awsclient import DeploymentPackageTooLargeError, LambdaErrorContext
from chalice.deploy.deployer import ChaliceDeploymentError

from infra.deploy.chalice_command import run

REFUSAL = ClientError(
    {"Error": {"Code": "AccessDeniedException", "Message": "You may not\ncreate functions"}}, "CreateFunction"
)
LINE = (
    "An error occurred (AccessDeniedException) when calling the CreateFunction operation: You may not create functions"
)


def failing(failure: Exception) -> Any:
    def chalice(arguments: list[str], obj: dict[str, Any]) -> None:
        try:
            raise failure
        except Exception as cause:
            raise ChaliceDeploymentError(cause) from cause

    return chalice


def test_failure_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["deploy", "--stage", "dev"], failing(REFUSAL)) == 2
    assert capsys.readouterr().err == f"{LINE}\n"


def test_verbose_prints_the_tracebacks_after_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["deploy", "--verbose"], failing(REFUSAL)) == 2
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == LINE
    assert rest[0] == "Traceback (most recent call last):"


def test_missing_region_is_said_with_what_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    run(["deploy"], failing(NoRegionError()))
    assert capsys.readouterr().err == "You must specify a region. Set AWS_DEFAULT_REGION, such as eu-west-1.\n"


def test_advice_of_chalice_is_kept_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    context = LambdaErrorContext("gatehouse-dev", "create_function", 99_000_000)
    run(["deploy"], failing(DeploymentPackageTooLargeError(ConnectionError("reset"), context)))
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "To avoid this error, decrease the size of your chalice application" in said


def test_chalice_is_not_told_of_our_option() -> None:
    told: list[str] = []

    def chalice(arguments: list[str], obj: dict[str, Any]) -> None:
        told.extend(arguments)

    assert run(["deploy", "--verbose", "--stage", "dev"], chalice) == 0
    assert told == ["deploy", "--stage", "dev"]
