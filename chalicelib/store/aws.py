"""The one door to AWS: its clients, and `call`, which counts every call and translates every failure."""

import contextvars
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import TemporarilyUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_kms.client import KMSClient

P = ParamSpec("P")
A = TypeVar("A")
B = TypeVar("B")

PARALLEL_CALLS = 2
CONFLICT_TRIES = 6
CONFLICT_PAUSE_S = 0.02
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    max_pool_connections=64,
    retries={"mode": "standard", "total_max_attempts": 2},
    user_agent_extra="gatehouse",
)
_CONDITION = "ConditionalCheckFailed"
_CONFLICT = "TransactionConflict"


class ConditionFailed(Exception):
    """A conditional write found another state. item: what stood there, where the call asked for it."""

    def __init__(self, item: dict[str, Any] | None = None) -> None:
        """item: in DynamoDB's form; None where nothing stood there."""
        super().__init__("the condition did not hold")
        self.item = item


@dataclass(frozen=True, slots=True)
class Clients:
    """The low-level clients; made once per process, on one session, they share its connections."""

    dynamodb: "DynamoDBClient"
    kms: "KMSClient"


def connect() -> Clients:
    """Make the clients, from the environment's region and credentials."""
    session = botocore.session.get_session()
    # botocore makes its clients from data: only the stubs know their types.
    return Clients(
        dynamodb=cast("DynamoDBClient", session.create_client("dynamodb", config=_CONFIG)),
        kms=cast("KMSClient", session.create_client("kms", config=_CONFIG)),
    )


class CallCount:
    """How many calls a request made."""

    def __init__(self) -> None:
        """Start at none."""
        self.calls = 0


_count: contextvars.ContextVar[CallCount | None] = contextvars.ContextVar("aws_calls", default=None)
_pool = ThreadPoolExecutor(max_workers=64, thread_name_prefix="aws")


@contextmanager
def counted() -> Iterator[CallCount]:
    """Count the calls made inside this block, those on the threads of `both` too."""
    count = CallCount()
    token = _count.set(count)
    try:
        yield count
    finally:
        _count.reset(token)


def call(operation: Callable[P, A], *args: P.args, **kwargs: P.kwargs) -> A:
    """Call one operation of a client.

    A write that meets another's transaction on the same item waits a moment and goes again.
    Raises ConditionFailed where a condition did not hold, TemporarilyUnavailable on every other failure.
    """
    for attempt in range(1, CONFLICT_TRIES + 1):
        count = _count.get()
        if count:
            count.calls += 1
        try:
            return operation(*args, **kwargs)
        except ClientError as error:
            if not _is_conflict(error) or attempt == CONFLICT_TRIES:
                raise _translated(error, operation) from error
        except BotoCoreError as error:
            raise TemporarilyUnavailable(reason=f"{_name(operation)}: {type(error).__name__}") from error
        time.sleep(random.uniform(0.5, 1) * CONFLICT_PAUSE_S * 2**attempt)  # noqa: S311 (a pause is no secret)
    raise AssertionError("the last try returns or raises")


def both(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """Run two calls at the same time and return both answers; a failure is raised once both have ended."""
    future: Future[A] = _pool.submit(contextvars.copy_context().run, first)
    try:
        answer = second()
    finally:
        failure = future.exception()
    if failure:
        raise failure
    return future.result(), answer


def _reasons(error: ClientError) -> list[str]:
    return [reason.get("Code", "") for reason in error.response.get("CancellationReasons", [])]


def _is_conflict(error: ClientError) -> bool:
    codes = {*_reasons(error), error.response["Error"]["Code"].removesuffix("Exception")}
    return _CONFLICT in codes and _CONDITION not in codes


def _translated(error: ClientError, operation: Callable[..., Any]) -> Exception:
    code = error.response["Error"]["Code"]
    if code == _CONDITION + "Exception":
        return ConditionFailed(error.response.get("Item"))  # type: ignore[arg-type]  # as above
    if _CONDITION in _reasons(error):
        return ConditionFailed()
    return TemporarilyUnavailable(reason=f"{_name(operation)}: {code}")


def _name(operation: Callable[..., Any]) -> str:
    return getattr(operation, "__name__", "call")
