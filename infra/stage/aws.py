"""Connect to a stage in AWS: clients for the deployed code's stores, and for CloudFormation."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import InvalidEndpointConfigurationError

from chalicelib.model.clock import SystemClock
from chalicelib.store.aws.botocore_caller import BotocoreCaller, end_call
from chalicelib.store.aws.calls import Aws
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.dynamo import Dynamo
from infra.stage.aws_faults import refuse_web_pages

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_kms.client import KMSClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_sesv2.client import SESV2Client
    from mypy_boto3_sns.client import SNSClient

# A command may take longer than a request: the SDK's own time-outs hold, and its retries slow down when AWS throttles.
PATIENT = Config(
    retries={"mode": "adaptive", "total_max_attempts": 6},
    # AWS checks every parameter itself; botocore's own check takes half of the CPU of `gatehouse migrate`.
    parameter_validation=False,
)
SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Clients:
    """boto3's clients of what a function uses. logs, sns, sesv2: made at their first use."""

    dynamodb: "DynamoDBClient"
    kms: "KMSClient"
    logs: Callable[[], "CloudWatchLogsClient"]
    sns: Callable[[], "SNSClient"]
    sesv2: Callable[[], "SESV2Client"]

    def of(self, service: str) -> "BaseClient":
        """Return the client of a service, by botocore's name for it."""
        made = {"dynamodb": lambda: self.dynamodb, "kms": lambda: self.kms}
        return {**made, "logs": self.logs, "sns": self.sns, "sesv2": self.sesv2}[service]()


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage, and the clients that reach it.

    aws: what the deployed code's stores call. pause: waits the given seconds.
    """

    name: str
    clients: Clients
    aws: Aws
    cloudformation: "CloudFormationClient"
    pause: Callable[[float], None] = time.sleep

    @property
    def prefix(self) -> str:
        """The beginning of the names of all its tables."""
        return f"gatehouse-{self.name}-"

    @property
    def dynamo(self) -> Dynamo:
        """Its tables, as the deployed code's stores use them."""
        return Dynamo(self.aws)

    def config(self) -> ConfigStore:
        """Return the configuration, with nothing cached."""
        return ConfigStore(self.dynamo, f"{self.prefix}config", SystemClock(), lifetime_s=0)


def new_session() -> boto3.Session:
    """Return a session whose clients refuse a web page in place of AWS's answer."""
    session = boto3.Session()
    session.events.register("before-parse", refuse_web_pages)
    return session


def caller_arn() -> str:
    """Return the ARN of who calls AWS with the credentials of the environment. It needs no permission."""
    return str(new_session().client("sts", config=PATIENT).get_caller_identity()["Arn"])


def reach(stage: str) -> Stage:
    """Return a stage of the account and region that the environment names."""
    client = partial(new_session().client, config=PATIENT)
    try:
        kms: KMSClient = client("kms")
    except ValueError as fault:
        # botocore raises ValueError if AWS_ENDPOINT_URL is no URL.
        raise InvalidEndpointConfigurationError(msg=str(fault)) from fault
    kms.meta.events.register_first("needs-retry.kms.CreateKey", _make_once)
    later = [cache(partial(client, service)) for service in ("logs", "sns", "sesv2")]
    clients = Clients(client("dynamodb"), kms, *later)
    caller = BotocoreCaller(clients.of)
    return Stage(stage, clients, Aws(caller, lambda: caller), client("cloudformation"))


def _make_once(response: Any, **more: Any) -> None:
    """Do not repeat a CreateKey whose answer was lost: it has no idempotency token, so a repeat makes a second key.

    `up` finds the first key by its tag. A throttled CreateKey made nothing, and is repeated.
    """
    if response is None or response[0].status_code >= SERVER_ERROR:
        end_call(response, **more)
