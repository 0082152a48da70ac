"""The one door to AWS: its clients, and `call`, which counts every call and translates every failure."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import botocore
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.settings import BadSettings
from chalicelib.store.aws import budget

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_kms.client import KMSClient
    from mypy_boto3_sesv2.client import SESV2Client
    from mypy_boto3_sns.client import SNSClient

P = ParamSpec("P")
A = TypeVar("A")

# The oldest that the fault tests run on (make faults-oldest): the runtime brings botocore, and lags behind.
OLDEST_BOTOCORE = "1.31.57"
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
    """A conditional write found another state. item: what stood there, if the call asked for it."""

    def __init__(self, item: dict[str, Any] | None = None) -> None:
        """item: in DynamoDB's form; None if nothing stood there."""
        super().__init__("the condition did not hold")
        self.item = item


@dataclass(frozen=True, slots=True)
class Aws:
    """The low-level clients, on one session whose connections they share, and `call`, which every call goes through.

    sns, sesv2: made at their first use, which most processes never come to. outcomes: by service, `ok` or the failure's
    name, as the last call gave it.
    """

    dynamodb: "DynamoDBClient"
    kms: "KMSClient"
    sns: Callable[[], "SNSClient"]
    sesv2: Callable[[], "SESV2Client"]
    outcomes: dict[str, str] = field(default_factory=dict)

    def call(self, operation: Callable[P, A], *args: P.args, **kwargs: P.kwargs) -> A:
        """Call one operation of a client.

        A write that meets another's transaction on the same item waits a moment and goes again.
        Raises ConditionFailed if a condition did not hold, TemporarilyUnavailable on every other failure.
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
                        raise self._failure(error, operation) from error
                else:
                    self._note(operation, "ok")
                    return answer
                time.sleep(random.uniform(0.5, 1) * pause_s)  # noqa: S311 (a pause is no secret)
        raise AssertionError("the last try returns or raises")

    def _failure(self, error: ClientError | BotoCoreError, operation: Callable[..., Any]) -> Exception:
        """Return the exception that a call's failure is to the rest of the code, and remember it."""
        failure = _translated(error, operation)
        if isinstance(failure, TemporarilyUnavailable):
            budget.current().allow_amends()
            self._note(operation, failure.reason)
        else:
            # A condition that did not hold is an answer like another.
            self._note(operation, "ok")
        return failure

    def _note(self, operation: Callable[..., Any], outcome: str) -> None:
        client = getattr(operation, "__self__", None)
        if client is not None:
            self.outcomes[client.meta.service_model.service_name] = outcome


class _Loader(Loader):
    """botocore's, which searches the folders of several hundred services to find out which there are."""

    def list_available_services(self, type_name: str) -> list[str]:
        return ["dynamodb", "kms", "sns", "sesv2"]


def lambda_session() -> botocore.session.Session:
    """Return a session that knows the services of `Aws` alone, for a function: its credentials need no other.

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


def connect(session: botocore.session.Session | None = None) -> Aws:
    """Make the clients, from the environment's region and credentials. session: botocore's, a new one by default."""
    source, lock = session or botocore.session.get_session(), threading.Lock()

    @cache
    def made(service: str) -> Any:
        # botocore makes its clients from data: only the stubs know their types. Its session makes one at a time.
        with lock:
            client = source.create_client(service, config=_CONFIG)
        budget.hold(client)
        return client

    return Aws(made("dynamodb"), made("kms"), lambda: made("sns"), lambda: made("sesv2"))


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
