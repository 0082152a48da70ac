"""The three sinks of events, each of which a test can take down, and the queue as Lambda hands it out."""

import base64
import gzip
import http.client
import io
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.flows.events.delivery import EventsFlow, Undelivered
from chalicelib.wiring.events import handle
from infra.stage.aws import Stage, new_session
from tests.support.fixed import Clock
from tests.support.function_aws import Ask, around_calls

BUS = BUCKET = "gatehouse-test-events"
URL = "https://siem.example.com/events?tenant=1"
SINKS = {"eventbridge": {"bus": BUS}, "s3": {"bucket": BUCKET, "prefix": "logs/"}, "webhook": {"url": URL}}
_ids = itertools.count(1)


@dataclass
class Sinkhole:
    """Takes events of each kind, unless it is down.

    down_until: by the clock. loses: answers of posts that are lost. seconds: how long a post takes.
    """

    clock: Clock
    down_until: float = 0
    loses: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    posts: list[tuple[str, str, bytes, Mapping[str, str]]] = field(default_factory=list)
    status: int = 204
    seconds: float = 0

    def around(self, operation: str, parameters: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        """Act around a call of the function, for EventBridge and S3."""
        if operation not in ("PutEvents", "PutObject"):
            return ask()
        self.require_up()
        answer = ask()
        if operation == "PutObject":
            self.taken += [json.loads(line) for line in parameters["Body"].decode().splitlines()]
        else:
            self.taken += [json.loads(entry["Detail"]) for entry in parameters["Entries"]]
        return answer

    def connect(self, host: str, port: int) -> Any:
        """Return a connection of http.client's form."""
        return _Connection(self, f"{host}:{port}")

    def require_up(self) -> None:
        if self.clock() < self.down_until:
            raise ConnectionRefusedError("down")


@dataclass
class _Connection:
    sinkhole: Sinkhole
    host: str

    def request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        self.sinkhole.require_up()
        self.sinkhole.clock.advance(self.sinkhole.seconds)
        self.sinkhole.posts.append((method, self.host + path, body, headers))
        if self.sinkhole.status < 300:
            self.sinkhole.taken += json.loads(body)

    def getresponse(self) -> Any:
        if self.sinkhole.loses:
            self.sinkhole.loses -= 1
            raise http.client.RemoteDisconnected("lost")
        return _Response(self.sinkhole.status)

    def close(self) -> None:
        """Close nothing."""


class _Response(io.BytesIO):
    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


def batch(*lines: Mapping[str, Any] | str, kind: str = "DATA_MESSAGE") -> str:
    """Return lines as CloudWatch Logs hands them to a function."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    events = [{"id": f"id-{next(_ids)}", "timestamp": 1, "message": text} for text in texts]
    payload = {"messageType": kind, "logGroup": "g", "logStream": "s", "logEvents": events}
    return base64.b64encode(gzip.compress(json.dumps(payload).encode())).decode()


def run_queue(flow: EventsFlow) -> int:
    """Hand out each message of the queue once, as its event source mapping does. Return how many are left."""
    sqs, kept = new_session().client("sqs"), list[str]()
    url = flow.queue_url()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            try:
                handle({"Records": [{"body": message["Body"], "eventSource": "aws:sqs"}]}, flow)
            except Undelivered:
                kept.append(message["ReceiptHandle"])
            else:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    for receipt in kept:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
    return len(kept)


@contextmanager
def open_sinks(stage: Stage, sinkhole: Sinkhole) -> Iterator[None]:
    """Make the bus and the bucket, and let the sinkhole take what is sent there."""
    bus, bucket = new_session().client("events"), new_session().client("s3")
    with suppress(ClientError):
        # Another test has made them.
        bus.create_event_bus(Name=BUS)
        bucket.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    with around_calls(stage, sinkhole.around):
        yield


def ids(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the ids of events, sorted."""
    return sorted(str(event["log_id"]) for event in events)
