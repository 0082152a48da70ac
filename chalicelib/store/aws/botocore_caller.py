"""AWS by botocore, for what the thin path does not serve: other services, and settings that it does not honour."""

import threading
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import botocore
import botocore.session
from botocore import xform_name
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader

from chalicelib.settings import BadSettings
from chalicelib.store.aws import budget
from chalicelib.store.aws.caller import SERVICE_OF, AwsRefused, AwsUnreachable

# The oldest that the fault tests run on (make faults-oldest): the runtime brings botocore, and lags behind.
OLDEST_BOTOCORE = "1.31.57"
RETRY_AFTER = "x-amz-retry-after"
# From this HTTP status on, botocore takes an answer for a failure.
FAILED = 300
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


class OutOfTime(BotoCoreError):
    """A try did not begin, as it could not have ended in time."""

    fmt = "the request's time is up"


class BotocoreCaller:
    """The AwsCaller over botocore's clients, which also sends messages. client_of: the client of a service."""

    def __init__(self, client_of: Callable[[str], BaseClient]) -> None:
        self.client_of = client_of

    def ask(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return AWS's answer; operation: of `Operation`, or of `Message`.

        Raises AwsRefused and AwsUnreachable.
        """
        call = getattr(self.client_of(SERVICE_OF[operation]), xform_name(operation))
        try:
            # botocore makes its methods from data, which says no more than this.
            answer: dict[str, Any] = call(**parameters)
        except ClientError as error:
            raise _make_refusal(error) from error
        except BotoCoreError as error:
            raise AwsUnreachable(type(error).__name__) from error
        answer.pop("ResponseMetadata", None)
        return answer


def make_function_caller(session: botocore.session.Session | None = None) -> BotocoreCaller:
    """Return the caller of a function: each client is made at its first use, and keeps to the request's budget.

    session: a new one by default. Raises BadSettings if the runtime's botocore is too old.
    """
    require_botocore(botocore.__version__)
    source, lock = session or _make_session(), threading.Lock()

    @cache
    def client_of(service: str) -> BaseClient:
        # botocore's session makes one client at a time.
        with lock:
            client = source.create_client(service, config=_CONFIG)
        hold(client)
        return client

    return BotocoreCaller(client_of)


def require_botocore(version: str) -> None:
    """Raise BadSettings for a version that the fault tests do not run on, as it is too old."""
    if _numbers(version) < _numbers(OLDEST_BOTOCORE):
        raise BadSettings(
            f"botocore {version} of this runtime is older than {OLDEST_BOTOCORE}, the oldest that Gatehouse "
            "works with. Choose a newer runtime, or add botocore to requirements.txt."
        )


def hold(client: BaseClient) -> None:
    """Let every try of a client's calls ask the request's budget first."""
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"request-created.{service}", _require_time)
    client.meta.events.register_first(f"needs-retry.{service}", _end_late_call)


def end_call(response: Any, caught_exception: Exception | None, operation: Any, **_: Any) -> None:
    """Raise what the last try came to, as a handler of `needs-retry`, so that no other begins. A success is left alone.

    No answer of such a handler ends a call on every botocore: up to 1.43.2, anything but None means "try again now".
    """
    if caught_exception:
        raise caught_exception
    if response[0].status_code >= FAILED:
        raise ClientError(response[1], operation.name)


class _Loader(Loader):
    """botocore's, which searches the folders of several hundred services to find out which there are."""

    def list_available_services(self, type_name: str) -> list[str]:
        return ["dynamodb", "kms", "sns", "sesv2"]


def _make_session() -> botocore.session.Session:
    """Return a session that knows the services of a function alone: its credentials need no other.

    Elsewhere they may, such as STS for an assumed role.
    """
    session = botocore.session.get_session()
    session.register_component("data_loader", _Loader())
    return session


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split(".")[:3])


def _require_time(**_: Any) -> None:
    if not budget.current().has_time():
        raise OutOfTime


def _end_late_call(response: Any, **more: Any) -> None:
    if response:
        # AWS may ask for a pause of several seconds here. Who waits that long is the client, after a 503.
        response[0].headers.pop(RETRY_AFTER, None)
    if not budget.current().has_time(budget.LONGEST_PAUSE_S):
        end_call(response, **more)


def _make_refusal(error: ClientError) -> AwsRefused:
    body = {name: value for name, value in error.response.items() if name not in ("Error", "ResponseMetadata")}
    body.pop("message", None)
    body.pop("Message", None)
    # Credentials that botocore gets elsewhere fail without an answer's status.
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return AwsRefused(error.response["Error"]["Code"], body, status)
