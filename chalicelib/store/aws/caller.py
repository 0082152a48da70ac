"""The AWS operations of a request, one way to ask for them, and the two failures that a call ends in."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

Operation = Literal[
    "BatchGetItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactWriteItems",
    "UpdateItem",
    "CreateKey",
    "Decrypt",
    "DescribeKey",
    "DisableKey",
    "GenerateDataKey",
    "GetPublicKey",
    "ListKeys",
    "ListResourceTags",
    "Sign",
    "TagResource",
    "CreateLogStream",
    "PutLogEvents",
]
# What goes by botocore: messages to people, and events to a bus, a bucket or the queue.
Message = Literal["Publish", "SendEmail", "PutEvents", "PutObject", "GetQueueUrl", "SendMessage"]
Service = Literal["dynamodb", "kms", "logs"]
SERVICES: dict[str, Service] = {
    "BatchGetItem": "dynamodb",
    "DeleteItem": "dynamodb",
    "GetItem": "dynamodb",
    "PutItem": "dynamodb",
    "Query": "dynamodb",
    "Scan": "dynamodb",
    "TransactWriteItems": "dynamodb",
    "UpdateItem": "dynamodb",
    "CreateKey": "kms",
    "Decrypt": "kms",
    "DescribeKey": "kms",
    "DisableKey": "kms",
    "GenerateDataKey": "kms",
    "GetPublicKey": "kms",
    "ListKeys": "kms",
    "ListResourceTags": "kms",
    "Sign": "kms",
    "TagResource": "kms",
    "CreateLogStream": "logs",
    "PutLogEvents": "logs",
}
_OF_EVENTS = {"PutEvents": "events", "PutObject": "s3", "GetQueueUrl": "sqs", "SendMessage": "sqs"}
# botocore's names of the services, those of messages among them.
SERVICE_OF: dict[str, str] = {**SERVICES, "Publish": "sns", "SendEmail": "sesv2", **_OF_EVENTS}

TOO_MANY_REQUESTS = 429
_THROTTLED = {
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
}


class AwsRefused(Exception):
    """AWS refused a call. code: AWS's word for the reason. status: HTTP's.

    body: the other members of the answer. They may be a person's item, so the exception's text leaves them out.
    """

    def __init__(self, code: str, body: dict[str, Any], status: int) -> None:
        super().__init__(f"{code} ({status})")
        self.code, self.body, self.status = code, body, status


class AwsUnreachable(Exception):
    """No answer came from AWS, or none that can be trusted. reason: the name of botocore's exception for it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_throttle(code: str, status: int) -> bool:
    """Return whether AWS refused a call as one too many. code: AWS's word. status: HTTP's."""
    return code in _THROTTLED or status == TOO_MANY_REQUESTS


class AwsCaller(Protocol):
    """Calls AWS. Binary members are bytes, in the parameters and in the answers."""

    def ask(self, operation: Operation, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return AWS's answer. Raises AwsRefused and AwsUnreachable."""


class Messenger(Protocol):
    """Sends messages."""

    def ask(self, operation: Message, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return AWS's answer. Raises AwsRefused and AwsUnreachable."""
