"""Connect the logs of a stage's functions, and the queue of events, with the function that sends events on."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flows.events.delivery import EVENTS
from chalicelib.store.configuration.documents import Document
from infra.stage.aws import PATIENT, Stage, new_session
from infra.stage.logs.reading import function_groups

FILTER = "gatehouse-events"
# CloudWatch's limit of a filter pattern. The function itself looks at the types too.
MAX_PATTERN = 1024
ANY_EVENT = '{ $.event = "*" }'


@dataclass(frozen=True, slots=True)
class EventsFunction:
    """The deployed function. arn: its own, whose parts name the account and the Region."""

    stage: Stage
    client: Any  # boto3's client of Lambda, whose types are not installed
    arn: str

    @classmethod
    def find(cls, stage: Stage) -> "EventsFunction | None":
        """Return the function, or None if it is not deployed."""
        client = new_session().client("lambda", config=PATIENT)
        try:
            found = client.get_function_configuration(FunctionName=_name_of(stage))
        except client.exceptions.ResourceNotFoundException:
            return None
        return cls(stage, client, found["FunctionArn"])

    def subscribe(self, group: str, pattern: str) -> None:
        """Let the lines of a log group that match be handed to the function."""
        with suppress(self.client.exceptions.ResourceConflictException):
            self.client.add_permission(
                FunctionName=self.arn,
                # The same permission again is a conflict.
                StatementId=group.rpartition("/")[2],
                Action="lambda:InvokeFunction",
                Principal="logs.amazonaws.com",
                SourceArn=f"{self._arn_of('logs')}:log-group:{group}:*",
                SourceAccount=self.arn.split(":")[4],
            )
        self.stage.clients.logs().put_subscription_filter(
            logGroupName=group, filterName=FILTER, filterPattern=pattern, destinationArn=self.arn
        )

    def unsubscribe(self, group: str) -> None:
        """End the subscription of a log group, if it has one."""
        logs = self.stage.clients.logs()
        with suppress(logs.exceptions.ResourceNotFoundException):
            logs.delete_subscription_filter(logGroupName=group, filterName=FILTER)

    def follow_queue(self) -> None:
        """Let the messages of the queue be handed to the function, one at a time."""
        if not self._mappings():
            # The queue has the function's name.
            queue = f"{self._arn_of('sqs')}:{self._name}"
            self.client.create_event_source_mapping(EventSourceArn=queue, FunctionName=self._name, BatchSize=1)

    def leave_queue(self) -> None:
        """End that."""
        for mapping in self._mappings():
            self.client.delete_event_source_mapping(UUID=mapping["UUID"])

    def _mappings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.list_event_source_mappings(FunctionName=self._name)[
            "EventSourceMappings"
        ]
        return found

    @property
    def _name(self) -> str:
        return _name_of(self.stage)

    def _arn_of(self, service: str) -> str:
        _, partition, _, region, account, *_ = self.arn.split(":")
        return f"arn:{partition}:{service}:{region}:{account}"


def _name_of(stage: Stage) -> str:
    return f"gatehouse-{stage.name}-events"


def connect_events(stage: Stage) -> bool:
    """Subscribe the function to what the tenant file sends on, or end that. Return False if it is not deployed yet.

    Both `apply` and `deploy` call this. A stage that never had events is not looked at.
    """
    document = _read(stage)
    if document is None:
        return True
    function = EventsFunction.find(stage)
    if function is None:
        return not document
    groups = [group for group in function_groups(stage) if not group.endswith("-events")]
    if document:
        for group in groups:
            function.subscribe(group, make_pattern(document["types"]))
        function.follow_queue()
    else:
        for group in groups:
            function.unsubscribe(group)
        function.leave_queue()
    return True


def _read(stage: Stage) -> Document | None:
    """Return the stored section, or None. Functions may be deployed before `up` has made the table."""
    try:
        (document,) = stage.config().read_fresh(EVENTS)
    except TemporarilyUnavailable as failure:
        if failure.reason.endswith("ResourceNotFoundException"):
            return None
        raise
    return document


def make_pattern(types: Sequence[str]) -> str:
    """Return CloudWatch's filter pattern of lines with one of these log codes."""
    pattern = f"{{ {' || '.join(f'($.event = {_quote(code)})' for code in types)} }}"
    return pattern if len(pattern) <= MAX_PATTERN else ANY_EVENT


def _quote(code: str) -> str:
    return f'"{code}"'
