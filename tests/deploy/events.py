"""Events that the deployed function sends on, to each kind of sink."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from infra.gateway.app import LambdaContext
from tests.deploy.conftest import Deployment
from tests.support.events import batch
from tests.support.lambda_runtime import Environment

NAME = "gatehouse-dev-events"
# Nobody listens there, so its events go to the queue.
NOWHERE = "https://127.0.0.1:9/"
SINKS: tuple[dict[str, Any], ...] = (
    {"eventbridge": {"bus": NAME}},
    {"s3": {"bucket": NAME, "prefix": ""}},
    {"webhook": {"url": NOWHERE}},
)
LINE = {"time": "2026-11-27T10:00:00.000+00:00", "event": "fp"}


def send_events(deployment: Deployment, sending: Environment) -> list[dict[str, Any]]:
    """Let the function take a line for each kind of sink; return the events that it queued."""
    made = deployment.project.gatehouse("events", "rotate-secret", "--stage", "dev")
    assert (made.returncode, made.stderr) == (0, "")
    deployment.aws.client("events").create_event_bus(Name=NAME)
    location = {"LocationConstraint": "eu-west-1"}
    deployment.aws.client("s3").create_bucket(Bucket=NAME, CreateBucketConfiguration=location)
    for sink in SINKS:
        with stream_to(deployment, sink):
            assert sending.invoke({"awslogs": {"data": batch(LINE)}}, LambdaContext("", NAME, 0)) is None
    return [event for message in take_from_queue(deployment) for event in json.loads(message)]


@contextmanager
def stream_to(deployment: Deployment, sink: Mapping[str, Any]) -> Iterator[None]:
    """Send failed logins to a sink until the block ends."""
    table, name = deployment.aws.client("dynamodb"), "gatehouse-dev-config"
    document = json.dumps({"types": ["fp"], "to": sink})
    table.put_item(TableName=name, Item={"pk": {"S": "events"}, "document": {"S": document}})
    yield
    table.delete_item(TableName=name, Key={"pk": {"S": "events"}})


def take_from_queue(deployment: Deployment) -> list[str]:
    """Take the messages that wait in the queue, as SQS does once the function has returned."""
    sqs = deployment.aws.client("sqs")
    url = sqs.get_queue_url(QueueName=NAME)["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in messages]
