"""Calls of the deployed help desk."""

from typing import Any

import boto3

from infra.deploy.help_desk import sign_proof
from infra.gateway.app import LambdaContext
from tests.deploy.conftest import REGION, TOOLS
from tests.support.lambda_runtime import Environment


def ask_help_desk(helping: Environment, action: str, who: str) -> dict[str, Any]:
    """Invoke the function as the command does. The emulated STS names everybody the same."""
    proof = sign_proof(boto3.Session(TOOLS, TOOLS, region_name=REGION), "dev", REGION)
    event = {"action": action, "realm": "employees", "who": who, "proof": proof}
    answer = helping.invoke(event, LambdaContext("", "gatehouse-dev-help_desk", 0))
    assert isinstance(answer, dict)
    return answer
