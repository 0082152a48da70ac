"""Make AWS calls fail, by botocore's own events."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from infra.stage.aws import Stage


def aws_error(code: str, *reasons: str) -> ClientError:
    """Return botocore's exception for an error code. reasons: those of a cancelled transaction."""
    response: Any = {"Error": {"Code": code, "Message": "a message from AWS"}}
    if reasons:
        response["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return ClientError(response, "Operation")


@contextmanager
def failing(
    stage: Stage, operation: str, failure: Exception, times: range = range(1_000), about: str = ""
) -> Iterator[None]:
    """Fail an operation inside this block, before it reaches AWS. times, about: as in `before`."""

    def fail() -> None:
        raise failure

    with before(stage, operation, fail, times, about):
        yield


@contextmanager
def before(
    stage: Stage, operation: str, act: Callable[[], object], times: range = range(1), about: str = ""
) -> Iterator[None]:
    """Call act before an operation reaches AWS. times: the calls in this block to do so for, counted from 0.

    about: a text in the body of the calls that are counted.
    """
    numbers = itertools.count()

    def handle(model: Any, params: dict[str, Any], **_: Any) -> None:
        if model.name == operation and about in str(params["body"]) and next(numbers) in times:
            act()

    clients = (stage.clients.dynamodb, stage.clients.kms, stage.clients.sns(), stage.clients.sesv2())
    for client in clients:
        client.meta.events.register("before-call", handle, unique_id=f"before-{operation}")
    try:
        yield
    finally:
        for client in clients:
            client.meta.events.unregister("before-call", unique_id=f"before-{operation}")


@contextmanager
def sent_twice(stage: Stage, operation: str) -> Iterator[None]:
    """Let the first answer of an operation inside this block get lost, so that botocore sends the call again."""
    lost = iter([0])
    client = stage.clients.dynamodb
    event = f"needs-retry.dynamodb.{operation}"

    # The stub knows of no handler that answers; this event's do.
    def lose(**_: Any) -> Any:
        return next(lost, None)

    client.meta.events.register_first(event, lose, unique_id="sent-twice")
    try:
        yield
    finally:
        client.meta.events.unregister(event, unique_id="sent-twice")


@contextmanager
def left_out(stage: Stage, times: int) -> Iterator[None]:
    """Let DynamoDB leave all keys of a batch out so many times inside this block, as it does when it throttles."""
    left = iter(range(times))

    def leave_out(parsed: dict[str, Any], **_: Any) -> None:
        if next(left, None) is not None:
            parsed["Responses"], parsed["UnprocessedKeys"] = {}, {"a table": {"Keys": []}}

    client = stage.clients.dynamodb
    client.meta.events.register("after-call.dynamodb.BatchGetItem", leave_out, unique_id="left-out")
    try:
        yield
    finally:
        client.meta.events.unregister("after-call.dynamodb.BatchGetItem", unique_id="left-out")
