"""The three places that events are sent to: an event bus, a bucket, and a webhook that is signed."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from chalicelib.deadline import OutOfTime, TooManyThreads, run_within
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.clock import Clock
from chalicelib.store.aws.calls import Aws
from chalicelib.tls import tls_context

if TYPE_CHECKING:
    from http.client import HTTPConnection

SOURCE = "gatehouse"
SIGNATURE = "Gatehouse-Signature"
# The most entries of one PutEvents.
MOST_ENTRIES = 10
# A webhook's. Each operation on its socket has it too, so that a thread whose time is over ends.
TIMEOUT_S = 5.0
SUCCESSES = range(200, 300)


class SinkFailure(Exception):
    """A sink did not take events. The message says why, without any of them."""


class NotTaken(SinkFailure):
    """A sink took some events and refused others. left: those that it refused, or was not asked to take."""

    def __init__(self, left: Sequence[Mapping[str, Any]], reason: str) -> None:
        """Say why. reason: the words of AWS."""
        super().__init__(f"{len(left)} events: {reason}")
        self.left = left


class Sink(Protocol):
    """Takes events."""

    def send(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Send events. Raises NotTaken for some of them; SinkFailure, TemporarilyUnavailable for all."""


@dataclass(slots=True, eq=False, repr=False)
class EventBus:
    """An event bus of EventBridge, by its name."""

    aws: Aws
    bus: str

    def send(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Put events on the bus. Raises NotTaken."""
        left: list[Mapping[str, Any]] = []
        reasons: set[str] = set()
        for start in range(0, len(events), MOST_ENTRIES):
            some = events[start : start + MOST_ENTRIES]
            try:
                answer = self.aws.send("PutEvents", Entries=[self._entry(one) for one in some])
            except TemporarilyUnavailable as failure:
                # Those that were put before this call are on the bus: they must not come again.
                left += events[start:]
                reasons.add(failure.reason)
                break
            refused = [pair for pair in zip(some, answer["Entries"], strict=True) if "ErrorCode" in pair[1]]
            left += [event for event, _ in refused]
            reasons |= {entry["ErrorCode"] for _, entry in refused}
        if left:
            raise NotTaken(left, ", ".join(sorted(reasons)))

    def _entry(self, event: Mapping[str, Any]) -> dict[str, str]:
        kind = {"Source": SOURCE, "DetailType": event["data"]["type"], "EventBusName": self.bus}
        return {**kind, "Detail": json.dumps(event)}


@dataclass(slots=True, eq=False, repr=False)
class Bucket:
    """A bucket of S3. prefix: the beginning of its keys."""

    aws: Aws
    bucket: str
    prefix: str

    def send(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Store the events as JSON Lines. The same events go to the same key again, and others to another."""
        first = events[0]
        day = str(first["data"].get("date", ""))[:10].replace("-", "/")
        # CloudWatch may hand the lines out again after the tenant file has named other types.
        ids = hashlib.sha256(" ".join(event["log_id"] for event in events).encode()).hexdigest()
        key = f"{self.prefix}{day}/{first['log_id']}-{ids[:16]}.jsonl"
        body = "".join(json.dumps(event) + "\n" for event in events).encode()
        self.aws.send("PutObject", Bucket=self.bucket, Key=key, Body=body, ContentType="application/x-ndjson")


@dataclass(slots=True, eq=False, repr=False)
class Webhook:
    """An https URL of the operator's. secret: the key of its signatures. connect: opens a connection to a host."""

    url: str
    secret: str
    clock: Clock
    connect: "Callable[[str, int], HTTPConnection]"

    def send(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Post the events as one JSON array, within TIMEOUT_S from the name's lookup to the answer's headers."""
        faults: list[str] = []
        try:
            run_within(TIMEOUT_S, "webhook", lambda: faults.append(self._post(json.dumps(events).encode())))
        except (OutOfTime, TooManyThreads) as failure:
            raise SinkFailure(type(failure).__name__) from None
        if faults != [""]:
            raise SinkFailure(*faults)

    def _post(self, body: bytes) -> str:
        """Return why the body was not taken, or nothing. Only a status 2xx takes it; no redirection is followed."""
        parts = urlsplit(self.url)
        headers = {"Content-Type": "application/json", SIGNATURE: sign(self.secret, self.clock.now_s(), body)}
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            with closing(self.connect(parts.hostname or "", parts.port or 443)) as connection:
                connection.request("POST", path, body, headers)
                status = connection.getresponse().status
        except BaseException as failure:
            # It would end this thread alone, as does the interruption. Nothing of it but its name is safe to tell.
            return type(failure).__name__
        return "" if status in SUCCESSES else f"status {status}"


def connect_by_https(host: str, port: int) -> "HTTPConnection":
    """Return a connection, not open yet. Each operation on it may take TIMEOUT_S seconds."""
    from http.client import HTTPSConnection  # noqa: PLC0415

    return HTTPSConnection(host, port, timeout=TIMEOUT_S, context=tls_context())


def sign(secret: str, now_s: int, body: bytes) -> str:
    """Return the value of the header that proves who sent a body, and when. Source: RFC 2104."""
    return f"t={now_s},v1={hmac.new(secret.encode(), b'%d.%b' % (now_s, body), 'sha256').hexdigest()}"
