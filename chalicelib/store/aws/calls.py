"""All calls of AWS: each is counted, a write that met a transaction is repeated, and failures are translated."""

import random
import re
import time
from collections.abc import Callable
from typing import Any

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.store.aws import budget
from chalicelib.store.aws.caller import SERVICE_OF, AwsCaller, AwsRefused, AwsUnreachable, Message, Messenger, Operation

CONFLICT_TRIES = 6
CONFLICT_PAUSE_S = 0.02
_CONDITION = "ConditionalCheckFailed"
_CONFLICT = "TransactionConflict"
# Why a write of a transaction was throttled; the transaction itself is only cancelled.
_THROTTLES = {"ProvisionedThroughputExceeded", "ThrottlingError"}
DYNAMODB = "dynamodb"


class ConditionFailed(Exception):
    """The condition of a write did not hold. item: the stored one, if the call asked for it."""

    def __init__(self, item: dict[str, Any] | None = None) -> None:
        """item: in DynamoDB's form; None if there was none, or the call did not ask for it."""
        super().__init__("the condition did not hold")
        self.item = item


class Aws:
    """AWS as the stores call it.

    caller: of DynamoDB and KMS. messenger: makes the sender of messages at the first one, as most processes send none.
    outcomes: by service, `ok` or the name of the failure that its last call ended in.
    """

    def __init__(self, caller: AwsCaller, messenger: Callable[[], Messenger]) -> None:
        self.caller, self.messenger = caller, messenger
        self.outcomes: dict[str, str] = {}

    def call(self, operation: Operation, **parameters: Any) -> dict[str, Any]:
        """Return the answer to one operation of DynamoDB or KMS.

        A write that meets a transaction on the same item pauses and is sent again.
        Raises ConditionFailed if a condition did not hold, TemporarilyUnavailable on every other failure.
        """
        return self._call(operation, lambda: self.caller.ask(operation, parameters))

    def send(self, operation: Message, **parameters: Any) -> dict[str, Any]:
        """Send a message, and return the answer. Raises TemporarilyUnavailable."""
        return self._call(operation, lambda: self.messenger().ask(operation, parameters))

    def _call(self, operation: str, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        request = budget.current()
        with request.count_time():
            for attempt in range(1, CONFLICT_TRIES + 1):
                request.calls += 1
                pause_s = CONFLICT_PAUSE_S * 2**attempt
                try:
                    answer = ask()
                except (AwsRefused, AwsUnreachable) as failure:
                    if _is_throttled_transaction(failure):
                        request.count_throttle(DYNAMODB)
                    if not _is_conflict(failure) or attempt == CONFLICT_TRIES or not request.has_time(pause_s):
                        raise self._judge(failure, operation) from failure
                else:
                    self.outcomes[SERVICE_OF[operation]] = "ok"
                    # DynamoDB throttles a batch by leaving keys out.
                    if answer.get("UnprocessedKeys"):
                        request.count_throttle(DYNAMODB)
                    return answer
                time.sleep(random.uniform(0.5, 1) * pause_s)  # noqa: S311 (a pause is no secret)
        raise AssertionError("the last try returns or raises")

    def _judge(self, failure: AwsRefused | AwsUnreachable, operation: str) -> Exception:
        """Return the exception to raise for a call's failure, and note the outcome."""
        exception = _translate(failure, operation)
        if isinstance(exception, TemporarilyUnavailable):
            budget.current().allow_cleanup()
            self.outcomes[SERVICE_OF[operation]] = exception.reason
        else:
            # DynamoDB works: it answered that a condition did not hold.
            self.outcomes[SERVICE_OF[operation]] = "ok"
        return exception


def _read_reasons(failure: AwsRefused) -> list[str]:
    """Return why each write of a transaction was not made."""
    return [reason.get("Code", "") for reason in failure.body.get("CancellationReasons", [])]


def _is_throttled_transaction(failure: AwsRefused | AwsUnreachable) -> bool:
    return isinstance(failure, AwsRefused) and not _THROTTLES.isdisjoint(_read_reasons(failure))


def _is_conflict(failure: AwsRefused | AwsUnreachable) -> bool:
    if isinstance(failure, AwsUnreachable):
        return False
    codes = {*_read_reasons(failure), failure.code.removesuffix("Exception")}
    return _CONFLICT in codes and _CONDITION not in codes


def _translate(failure: AwsRefused | AwsUnreachable, operation: str) -> Exception:
    # In the log, an operation has the name that botocore gives it.
    name = re.sub("(?<!^)(?=[A-Z])", "_", operation).lower()
    if isinstance(failure, AwsUnreachable):
        return TemporarilyUnavailable(reason=f"{name}: {failure.reason}")
    if failure.code == _CONDITION + "Exception":
        return ConditionFailed(failure.body.get("Item"))
    if _CONDITION in _read_reasons(failure):
        return ConditionFailed()
    return TemporarilyUnavailable(reason=f"{name}: {failure.code}")
