"""A whole rotation by the deployed function. It cannot wait for days, so the keys are made older instead."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib.rotation.steps import PUBLISH_S, RETIRE_S
from infra.gateway.app import LambdaContext
from tests.deploy.conftest import Deployment
from tests.support.lambda_runtime import Environment
from tests.support.schedule import EVENT

TABLE = "gatehouse-dev-config"
ITEM = {"pk": {"S": "keys"}}
STEPS_S = (90 * 86_400, PUBLISH_S, RETIRE_S)


def run_rotation(rotating: Environment) -> None:
    """Do what EventBridge does each hour."""
    assert rotating.invoke(EVENT, LambdaContext("", "gatehouse-dev-rotate_keys", 0)) is None


def published(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the key set as it is stored."""
    item = deployment.aws.client("dynamodb").get_item(TableName=TABLE, Key=ITEM)["Item"]
    keys: list[dict[str, Any]] = json.loads(item["document"]["S"])["keys"]
    return keys


@contextmanager
def unchanged_keys(deployment: Deployment) -> Iterator[None]:
    """Put the key set back at the end of the block: the processes of other tests share the stage, and cache it."""
    dynamodb = deployment.aws.client("dynamodb")
    before = dynamodb.get_item(TableName=TABLE, Key=ITEM)["Item"]
    yield
    dynamodb.put_item(TableName=TABLE, Item=before)


def rotate_once(deployment: Deployment, rotating: Environment) -> list[list[str]]:
    """Make, promote and retire. Return the statuses of the RS256 keys after each step."""
    found: list[list[str]] = []
    with unchanged_keys(deployment):
        for seconds in STEPS_S:
            make_older(deployment, seconds)
            run_rotation(rotating)
            found.append(sorted(key["status"] for key in published(deployment) if key["alg"] == "RS256"))
    return found


def make_older(deployment: Deployment, seconds: int) -> None:
    """Let the keys have their status for so much longer."""
    keys = [key | {"since": key["since"] - seconds} for key in published(deployment)]
    document = json.dumps({"keys": keys}, sort_keys=True)
    deployment.aws.client("dynamodb").update_item(
        TableName=TABLE,
        Key=ITEM,
        UpdateExpression="SET #d = :d",
        ExpressionAttributeNames={"#d": "document"},
        ExpressionAttributeValues={":d": {"S": document}},
    )
