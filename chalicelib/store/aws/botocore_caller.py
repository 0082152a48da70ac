"""AWS by botocore, for what the thin path does not serve: other services, and settings that it does not honour."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.store.aws.caller import SERVICES, AwsRefused, AwsUnreachable

_SERVICES: dict[str, str] = {**SERVICES, "Publish": "sns", "SendEmail": "sesv2"}


class BotocoreCaller:
    """The AwsCaller over botocore's clients, which also sends messages. client_of: the client of a service."""

    def __init__(self, client_of: Callable[[str], BaseClient]) -> None:
        self._client_of = client_of

    def ask(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return AWS's answer; operation: of `Operation`, or Publish or SendEmail.

        Raises AwsRefused and AwsUnreachable.
        """
        call = getattr(self._client_of(_SERVICES[operation]), xform_name(operation))
        try:
            # botocore makes its methods from data, which says no more than this.
            answer: dict[str, Any] = call(**parameters)
        except ClientError as error:
            raise _make_refusal(error) from error
        except BotoCoreError as error:
            raise AwsUnreachable(type(error).__name__) from error
        answer.pop("ResponseMetadata", None)
        return answer


def _make_refusal(error: ClientError) -> AwsRefused:
    body = {name: value for name, value in error.response.items() if name not in ("Error", "ResponseMetadata")}
    body.pop("message", None)
    body.pop("Message", None)
    return AwsRefused(error.response["Error"]["Code"], body, error.response["ResponseMetadata"]["HTTPStatusCode"])
