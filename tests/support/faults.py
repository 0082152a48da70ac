"""Make the AWS calls of functions fail, on either path."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from chalicelib.store.aws.caller import AwsRefused
from infra.stage.aws import Stage
from tests.support.function_aws import Ask, around_calls


def aws_error(code: str, *reasons: str) -> AwsRefused:
    """Return AWS's refusal with an error code; reasons: those of a cancelled transaction."""
    return AwsRefused(code, {"CancellationReasons": [{"Code": reason} for reason in reasons]} if reasons else {}, 400)


@contextmanager
def failing(
    stage: Stage, operation: str, failure: Exception, times: range = range(1_000), about: str = ""
) -> Iterator[None]:
    """Fail an operation inside this block, before it reaches AWS. times, about: as in `before`."""

    def fail() -> None:
        raise failure

    with before(stage, operation, fail, times, about):
        yield


def before(
    stage: Stage, operation: str, act: Callable[[], object], times: range = range(1), about: str = ""
) -> AbstractContextManager[None]:
    """Call act before an operation reaches AWS. times: the calls in this block to do so for, counted from 0.

    about: a text in the body of the calls that are counted.
    """
    numbers = itertools.count()

    def around(made: str, parameters: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        if made == operation and about in json.dumps(parameters, default=str) and next(numbers) in times:
            act()
        return ask()

    return around_calls(stage, around)


def sent_twice(stage: Stage, operation: str) -> AbstractContextManager[None]:
    """Let the first answer of an operation inside this block get lost, so that the call is sent again."""
    lost = iter([0])

    def around(made: str, _: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        if made == operation and next(lost, None) is not None:
            ask()
        return ask()

    return around_calls(stage, around)


def left_out(stage: Stage, times: int) -> AbstractContextManager[None]:
    """Let DynamoDB leave all keys of a batch out so many times inside this block, as it does when it throttles."""
    left = iter(range(times))

    def around(made: str, _: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        answer = ask()
        if made == "BatchGetItem" and next(left, None) is not None:
            return {"Responses": {}, "UnprocessedKeys": {"a table": {"Keys": []}}}
        return answer

    return around_calls(stage, around)
