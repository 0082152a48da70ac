"""The one door to AWS: its clients, and `call`, which counts every call and translates every failure."""

import contextvars
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import botocore
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.settings import BadSettings
from chalicelib.store import budget

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_kms.client import KMSClient
    from mypy_boto3_sesv2.client import SESV2Client
    from mypy_boto3_sns.client import SNSClient

P = ParamSpec("P")
A = TypeVar("A")
B = TypeVar("B")

# The oldest that the fault tests run on (make faults-oldest): the runtime brings botocore, and lags behind.
OLDEST_BOTOCORE = "1.31.57"
PARALLEL_CALLS = 2
CONFLICT_TRIES = 6
CONFLICT_PAUSE_S = 0.02
_CONFIG = Config(
    connect_timeout=budget.CONNECT_TIMEOUT_S,
    read_timeout=budget.READ_TIMEOUT_S,
    max_pool_connections=64,
    retries={"mode": "standard", "total_max_attempts": 2},
    # AWS checks every parameter itself; botocore's own check takes three hundredths of a call's CPU.
    parameter_validation=False,
    # Given whole: what botocore makes up itself, it makes up twice a call, at a tenth of the call's CPU.
    user_agent=f"Botocore/{botocore.__version__} gatehouse",
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
    """The low-level clients; made once per process, on one session, they share its connections.

    sns, sesv2: made at their first use, which most processes never come to.
    """

    dynamodb: "DynamoDBClient"
    kms: "KMSClient"
    sns: Callable[[], "SNSClient"]
    sesv2: Callable[[], "SESV2Client"]


class _Loader(Loader):
    """botocore's, which searches the folders of several hundred services to find out which there are."""

    def list_available_services(self, type_name: str) -> list[str]:
        return ["dynamodb", "kms", "sns", "sesv2"]


def lambda_session() -> botocore.session.Session:
    """Return a session that knows the services of `Clients` alone, for a function: its credentials need no other.

    Elsewhere they may, such as STS for an assumed role. Raises BadSettings if the runtime's botocore is too old.
    """
    require_botocore(botocore.__version__)
    session = botocore.session.get_session()
    session.register_component("data_loader", _Loader())
    return session


def require_botocore(version: str) -> None:
    """Raise BadSettings for a version that the fault tests do not run on, as it is too old."""
    if _numbers(version) < _numbers(OLDEST_BOTOCORE):
        raise BadSettings(
            f"botocore {version} of this runtime is older than {OLDEST_BOTOCORE}, the oldest that Gatehouse "
            "works with. Choose a newer runtime, or add botocore to requirements.txt."
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split(".")[:3])


def connect(session: botocore.session.Session | None = None) -> Clients:
    """Make the clients, from the environment's region and credentials. session: botocore's, a new one by default."""
    source, lock = session or botocore.session.get_session(), threading.Lock()

    @cache
    def made(service: str) -> Any:
        # botocore makes its clients from data: only the stubs know their types. Its session makes one at a time.
        with lock:
            client = source.create_client(service, config=_CONFIG)
        budget.hold(client)
        return client

    return Clients(made("dynamodb"), made("kms"), lambda: made("sns"), lambda: made("sesv2"))


# By service: what the last call gave, for /health.
_last: dict[str, str] = {}
_pool = ThreadPoolExecutor(max_workers=64, thread_name_prefix="aws")


def call(operation: Callable[P, A], *args: P.args, **kwargs: P.kwargs) -> A:
    """Call one operation of a client.

    A write that meets another's transaction on the same item waits a moment and goes again.
    Raises ConditionFailed where a condition did not hold, TemporarilyUnavailable on every other failure.
    """
    request = budget.current()
    with request.spent():
        for attempt in range(1, CONFLICT_TRIES + 1):
            request.calls += 1
            pause_s = CONFLICT_PAUSE_S * 2**attempt
            try:
                answer = operation(*args, **kwargs)
            except (ClientError, BotoCoreError) as error:
                if not _is_conflict(error) or attempt == CONFLICT_TRIES or not request.has_time(pause_s):
                    raise _failure(error, operation) from error
            else:
                _note(operation, None)
                return answer
            time.sleep(random.uniform(0.5, 1) * pause_s)  # noqa: S311 (a pause is no secret)
    raise AssertionError("the last try returns or raises")


def last_outcomes() -> dict[str, str]:
    """Return what this process's last call to each service gave: `ok`, or the failure's name."""
    return dict(_last)


def both(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """Run two calls at the same time and return both answers; failures are raised as `together` raises them."""
    (ended,), answered = _ended((first,), second)
    return ended.result(), answered.result()


def together(*calls: Callable[[], A]) -> tuple[A, ...]:
    """Run several calls at the same time and return all answers.

    A failure is raised once all calls have ended; if several fail, it is the first one's.
    """
    if not calls:
        return ()
    ended, answered = _ended(calls[:-1], calls[-1])
    return tuple(future.result() for future in (*ended, answered))


def _ended(others: tuple[Callable[[], A], ...], last: Callable[[], B]) -> tuple[list["Future[A]"], "Future[B]"]:
    """Return the ended futures of calls that ran at the same time: the last one on this thread.

    This thread also runs each call that no thread of the pool has begun by then. So it never waits for a free thread:
    a call that runs in the pool may run several itself, however busy the pool is.
    """
    begun = [_pool.submit(contextvars.copy_context().run, other) for other in others]
    answered = _run(last)
    ended = [_run(other) if future.cancel() else future for future, other in zip(begun, others, strict=True)]
    wait(ended)
    return ended, answered


def _run(call_: Callable[[], A]) -> "Future[A]":
    """Run a call on this thread, and return its ended future."""
    future: Future[A] = Future()
    try:
        future.set_result(call_())
    except BaseException as failure:  # raised by the future once the other calls have ended
        future.set_exception(failure)
    return future


def _failure(error: ClientError | BotoCoreError, operation: Callable[..., Any]) -> Exception:
    """Return what a call's failure is to the rest of the code, and remember it."""
    failure = _translated(error, operation)
    _note(operation, failure)
    if isinstance(failure, TemporarilyUnavailable):
        budget.current().allow_amends()
    return failure


def _note(operation: Callable[..., Any], failure: Exception | None) -> None:
    """Remember what became of a call; a condition that did not hold is an answer like another."""
    client = getattr(operation, "__self__", None)
    if client is not None:
        outcome = failure.reason if isinstance(failure, TemporarilyUnavailable) else "ok"
        _last[client.meta.service_model.service_name] = outcome


def _reasons(error: ClientError) -> list[str]:
    return [reason.get("Code", "") for reason in error.response.get("CancellationReasons", [])]


def _is_conflict(error: ClientError | BotoCoreError) -> bool:
    if isinstance(error, BotoCoreError):
        return False
    codes = {*_reasons(error), error.response["Error"]["Code"].removesuffix("Exception")}
    return _CONFLICT in codes and _CONDITION not in codes


def _translated(error: ClientError | BotoCoreError, operation: Callable[..., Any]) -> Exception:
    name = getattr(operation, "__name__", "call")
    if isinstance(error, BotoCoreError):
        return TemporarilyUnavailable(reason=f"{name}: {type(error).__name__}")
    code = error.response["Error"]["Code"]
    if code == _CONDITION + "Exception":
        return ConditionFailed(error.response.get("Item"))  # type: ignore[arg-type]  # the stub leaves modelled members out
    if _CONDITION in _reasons(error):
        return ConditionFailed()
    return TemporarilyUnavailable(reason=f"{name}: {code}")
