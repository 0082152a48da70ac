"""Events that the deployed function sends on, to each kind of sink."""

import json
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
    table, name = deployment.aws.client("dynamodb"), "gatehouse-dev-config"
    for sink in SINKS:
        document = json.dumps({"types": ["fp"], "to": sink})
        table.put_item(TableName=name, Item={"pk": {"S": "events"}, "document": {"S": document}})
        assert sending.invoke({"awslogs": {"data": batch(LINE)}}, LambdaContext("", NAME, 0)) is None
    table.delete_item(TableName=name, Key={"pk": {"S": "events"}})
    sqs = deployment.aws.client("sqs")
    url = sqs.get_queue_url(QueueName=NAME)["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [event for message in messages for event in json.loads(message["Body"])]
