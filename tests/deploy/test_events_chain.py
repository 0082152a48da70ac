"""From the line of a failed login to a bucket that was missing: the deployed functions, and the queue between."""

import json
from pathlib import Path
from typing import Any

import httpx

from infra.gateway.app import LambdaContext
from tests.deploy.conftest import ON_ONE_WORKER, Deployment
from tests.deploy.events import stream_to, take_from_queue
from tests.deploy.logins import SECRET_LOGIN
from tests.support.events import batch
from tests.support.lambda_runtime import Environment

pytestmark = ON_ONE_WORKER

BUCKET = "gatehouse-dev-events-late"
CONTEXT = LambdaContext("", "gatehouse-dev-events", 0)


def test_failed_login_reaches_a_bucket_that_was_missing_once_it_is_there(
    site: httpx.Client, deployment: Deployment, sending: Environment, printed: Path
) -> None:
    before = len(printed.read_text("utf-8").splitlines())
    assert site.post("/oauth/token", data=SECRET_LOGIN | {"password": "wrong"}).status_code == 400
    lines = [line[line.index("{") :] for line in printed.read_text("utf-8").splitlines()[before:]]
    s3 = deployment.aws.client("s3")

    with stream_to(deployment, {"s3": {"bucket": BUCKET, "prefix": ""}}):
        assert sending.invoke({"awslogs": {"data": batch(*lines)}}, CONTEXT) is None
        (message,) = take_from_queue(deployment)
        record = {"messageId": "1", "body": message, "eventSource": "aws:sqs"}
        # An error makes SQS keep the message.
        refused: Any = sending.invoke({"Records": [record]}, CONTEXT)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        taken = sending.invoke({"Records": [record]}, CONTEXT)

    (stored,) = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    (event,) = s3.get_object(Bucket=BUCKET, Key=stored["Key"])["Body"].read().decode().splitlines()
    assert (refused["errorType"], taken) == ("Undelivered", None)
    assert json.loads(event)["data"]["type"] == "fp"
    assert take_from_queue(deployment) == []
