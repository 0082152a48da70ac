"""The composition root of the function that sends events on. No login imports it."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from chalicelib.flows.events.delivery import EventsFlow
from chalicelib.flows.events.stream import EventStream
from chalicelib.http import log
from chalicelib.model.request import Outcome
from chalicelib.settings import Settings, environment
from chalicelib.store.aws.calls import Aws
from chalicelib.store.aws.connections import connect
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.configuration.events_secret import open_secret
from chalicelib.store.configuration.vault import Vault
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.logs.sinks import Bucket, EventBus, Sink, Webhook, connect_by_https
from chalicelib.wiring.externals import Externals


def build_events(
    settings: Settings,
    aws: Aws,
    externals: Externals,
    tell: Callable[[Outcome], None],
    connect_to: Callable[[str, int], Any] = connect_by_https,  # http.client's connection
) -> EventsFlow:
    """Return the service of one stage. tell: takes the outcome of a delivery that failed."""
    config = ConfigStore(Dynamo(aws), f"gatehouse-{settings.stage}-config", externals.clock)
    secret = partial(open_secret, config, Vault(aws, settings.stage))

    def sink_of(stream: EventStream) -> Sink:
        if stream.sink == "eventbridge":
            return EventBus(aws, stream.settings["bus"])
        if stream.sink == "s3":
            return Bucket(aws, stream.settings["bucket"], stream.settings["prefix"])
        return Webhook(stream.settings["url"], secret(), externals.clock, connect_to)

    @cache
    def queue_url() -> str:
        return str(aws.send("GetQueueUrl", QueueName=f"gatehouse-{settings.stage}-events")["QueueUrl"])

    return EventsFlow(config, sink_of, aws, queue_url, externals.clock, tell)


@cache
def flow() -> EventsFlow:
    """Return this process's service, from its environment; built at the first call."""
    parts = Settings.from_environ(), connect(environment(), log.report_botocore), Externals()
    return build_events(*parts, lambda outcome: log.write_line(log.line(outcome)))


def handle(event: dict[str, Any], events: EventsFlow | None = None) -> None:
    """Take an event of Lambda: lines of CloudWatch Logs, or a message of the queue."""
    service = events or flow()
    if "awslogs" in event:
        service.take(event["awslogs"]["data"])
    for record in event.get("Records", ()):
        service.retry(record["body"])
