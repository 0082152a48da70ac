"""A stage's event stream: the log lines that its tenant file sends elsewhere, in the form of Auth0's log streams."""

import base64
import gzip
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from chalicelib.store.configuration.documents import Document

Event: TypeAlias = Mapping[str, Any]
# The members of a log line that leave the account. A rule's traceback and warnings hold what the rule put there.
DETAILS = ("request_id", "path", "status", "ms", "grant_type", "error", "action", "audit", "client_ip")
DATA_MESSAGE = "DATA_MESSAGE"
# A message of the queue has at most 256 KB.
MOST_EVENTS, MOST_BYTES = 100, 200_000


@dataclass(frozen=True, slots=True)
class EventStream:
    """The section `events` of a stored tenant. types: log codes. sink: its kind. settings: of that kind."""

    types: Collection[str]
    sink: str
    settings: Mapping[str, str] = field(default_factory=dict)


def stream_from(document: Document | None) -> EventStream | None:
    """Return the stream of a stored document, or None if the tenant has none."""
    if not document:
        return None
    ((sink, settings),) = document["to"].items()
    return EventStream(frozenset(document["types"]), sink, settings)


def read_batch(data: str, types: Collection[str]) -> list[Event]:
    """Return the events of these types that CloudWatch Logs hands over. data: the lines, gzip in base64.

    Source: CloudWatch Logs, "Subscription filters", the payload of a Lambda function.
    """
    batch = json.loads(gzip.decompress(base64.b64decode(data)))
    if batch["messageType"] != DATA_MESSAGE:
        return []
    lines = ((one["id"], _parse(one["message"])) for one in batch["logEvents"])
    return [make_event(log_id, line) for log_id, line in lines if line.get("event") in types]


def make_event(log_id: str, line: Mapping[str, Any]) -> Event:
    """Return a log line as an event. log_id: CloudWatch's id of the line, the same each time that it is sent."""
    data = {
        "date": line.get("time"),
        "type": line["event"],
        "description": line.get("reason"),
        "connection": line.get("realm"),
        "client_id": line.get("client_id"),
        "ip": line.get("source_ip"),
        "user_id": line.get("user"),
        "details": {name: line[name] for name in DETAILS if name in line},
    }
    return {"log_id": log_id, "data": {name: value for name, value in data.items() if value}}


def split(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Yield the events in groups that a sink and a message of the queue take."""
    some: list[Event] = []
    size = 0
    for event in events:
        length = len(json.dumps(event))
        if some and (len(some) == MOST_EVENTS or size + length > MOST_BYTES):
            yield some
            some, size = [], 0
        some.append(event)
        size += length
    if some:
        yield some


def _parse(message: str) -> dict[str, Any]:
    try:
        line = json.loads(message)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}
