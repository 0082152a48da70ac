"""AWS by botocore: for services and settings that the thin path does not serve."""

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

from chalicelib.store.aws import budget
from chalicelib.store.aws.botocore_version import require_botocore
from chalicelib.store.aws.caller import SERVICE_OF, AwsRefused, AwsUnreachable, is_throttle

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
    # Given whole: botocore would make its own twice a call, at a tenth of the call's CPU.
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
            # botocore makes its methods at run time, so their types say no more.
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


def hold(client: BaseClient) -> None:
    """Let every try of a client's calls ask the request's budget first."""
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"request-created.{service}", _require_time)
    client.meta.events.register_first(f"needs-retry.{service}", _end_late_call)


def end_call(response: Any, caught_exception: Exception | None, operation: Any, **_: Any) -> None:
    """Raise the failure of the last try, as a handler of `needs-retry`, so that no other begins. Leave a success alone.

    An answer of such a handler does not end a call on every botocore: up to 1.43.2, all but None mean "try again now".
    """
    if caught_exception:
        raise caught_exception
    if response[0].status_code >= FAILED:
        raise ClientError(response[1], operation.name)


class _Loader(Loader):
    """botocore's loader without its search through the folders of several hundred services."""

    def list_available_services(self, type_name: str) -> list[str]:
        return ["dynamodb", "events", "kms", "logs", "s3", "sesv2", "sns", "sqs"]


def _make_session() -> botocore.session.Session:
    """Return a session that knows the services of a function alone.

    Its credentials need no other. Elsewhere they may, such as STS for an assumed role.
    """
    session = botocore.session.get_session()
    session.register_component("data_loader", _Loader())
    return session


def _require_time(**_: Any) -> None:
    if not budget.current().has_time():
        raise OutOfTime


def _end_late_call(response: Any, **more: Any) -> None:
    if response:
        _count_throttle(response[0], response[1], more["operation"].service_model.service_name)
        # AWS may ask for a pause of several seconds here. The client shall wait that long, after a 503.
        response[0].headers.pop(RETRY_AFTER, None)
    if not budget.current().has_time(budget.LONGEST_PAUSE_S):
        end_call(response, **more)


def _count_throttle(answered: Any, parsed: dict[str, Any], service: str) -> None:
    if is_throttle(parsed.get("Error", {}).get("Code", ""), answered.status_code):
        budget.current().count_throttle(service)


def _make_refusal(error: ClientError) -> AwsRefused:
    body = {name: value for name, value in error.response.items() if name not in ("Error", "ResponseMetadata")}
    body.pop("message", None)
    body.pop("Message", None)
    # Credentials that botocore gets elsewhere fail without an answer's status.
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return AwsRefused(error.response["Error"]["Code"], body, status)
