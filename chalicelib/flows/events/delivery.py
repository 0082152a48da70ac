"""Deliver a stage's events, so that no login waits for it and none is lost while the sink is down (docs/adr/0057)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.errors import WireError
from chalicelib.flows.events.stream import Event, EventStream, read_batch, split, stream_from
from chalicelib.model.clock import Clock
from chalicelib.model.request import Outcome
from chalicelib.store.aws.calls import Aws
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.logs.sinks import NotTaken, Sink

# The key of the stream's document in the config table.
EVENTS = "events"
UNDELIVERED = "events_undelivered"
# For how long a batch is sent. The function has 60 s: enough is left for a post that is slow, and to queue the rest.
SEND_S = 20


class Undelivered(Exception):
    """The sink took none of the queued events: the queue hands them out again later."""


@dataclass(slots=True, eq=False, repr=False)
class EventsFlow:
    """Sends events on. sink_of: makes the sink of a stream. queue_url: where those wait that a sink did not take.

    tell: takes the outcome of a delivery that failed.
    """

    config: ConfigStore
    sink_of: Callable[[EventStream], Sink]
    aws: Aws
    queue_url: Callable[[], str]
    clock: Clock
    tell: Callable[[Outcome], None]

    def take(self, data: str) -> None:
        """Send what CloudWatch Logs hands over. Queue what the sink does not take, and all after a failure or 20 s.

        Raises TemporarilyUnavailable if neither works: then Lambda calls again. data: as `read_batch` takes it.
        """
        stream, ends_at = self._stream(), self.clock.now_s() + SEND_S
        if stream is None:
            return
        is_down = False
        for some in split(read_batch(data, stream.types)):
            left = some if is_down or self.clock.now_s() >= ends_at else self._send(stream, some)
            if left:
                is_down = True
                self._queue(left)

    def retry(self, message: str) -> None:
        """Send events of the queue again. Raises Undelivered if the sink takes none of them."""
        stream, events = self._stream(), json.loads(message)
        # The operator has taken the section out of the tenant file meanwhile.
        if stream is None:
            return
        left = self._send(stream, events)
        if len(left) == len(events):
            raise Undelivered
        if left:
            self._queue(left)

    def _stream(self) -> EventStream | None:
        (document,) = self.config.read_fresh(EVENTS)
        return stream_from(document)

    def _send(self, stream: EventStream, events: Sequence[Event]) -> Sequence[Event]:
        """Return the events that the sink did not take, all of them if it failed."""
        try:
            self.sink_of(stream).send(events)
        except NotTaken as failure:
            left, reason = failure.left, str(failure)
        except Exception as failure:
            # Whatever it is, the events wait in the queue until it is mended.
            left = events
            reason = failure.reason if isinstance(failure, WireError) else f"{type(failure).__name__} {failure}"
        else:
            return ()
        self.tell(Outcome(UNDELIVERED, reason=f"{stream.sink}: {reason}"))
        return left

    def _queue(self, events: Sequence[Event]) -> None:
        self.aws.send("SendMessage", QueueUrl=self.queue_url(), MessageBody=json.dumps(events, separators=(",", ":")))
