"""The section `events` of a tenant file: which log lines are sent on, and where to."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from infra.tenant.log_codes import LOG_CODES
from infra.tenant.part import Part
from infra.tenant.values import Listed


def _form(pattern: str, sentence: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise PydanticCustomError("tenant_file", "{sentence}", {"sentence": sentence})
        return value

    return AfterValidator(check)


def _known(code: str) -> str:
    if code not in LOG_CODES:
        sentence = "must be a log code of docs/use/http.md, such as fp"
        raise PydanticCustomError("tenant_file", "{sentence}", {"sentence": sentence})
    return code


LogCode = Annotated[str, AfterValidator(_known)]
BusName = Annotated[str, _form(r"[A-Za-z0-9._/-]{1,256}", "must be the name of an event bus")]
BucketName = Annotated[str, _form(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "must be the name of an S3 bucket")]
Prefix = Annotated[str, _form(r"[A-Za-z0-9/_.-]{0,200}", "must have up to 200 letters, digits and / _ . -")]
# No credentials, no fragment: the first would stand in the tenant file, and the second is never sent.
WebhookUrl = Annotated[
    str,
    _form(
        r"https://[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})(?::(?!0)[0-9]{1,4}|:[1-5][0-9]{4}|:6[0-4][0-9]{3}|:65[0-4][0-9]{2}|:655[0-2][0-9]|:6553[0-5])?(?:/[!\"$-~]{0,1000})?",
        "must be an https URL without credentials and fragment",
    ),
]


class EventBus(Part):
    """An event bus of EventBridge, in the stage's account and region."""

    bus: BusName


class Bucket(Part):
    """A bucket of S3."""

    bucket: BucketName
    prefix: Prefix = ""


class Webhook(Part):
    """An https URL that signed events are posted to."""

    url: WebhookUrl


class Sink(Part):
    """The sink of the events: one of three kinds."""

    eventbridge: EventBus | None = None
    s3: Bucket | None = None
    webhook: Webhook | None = None

    @model_validator(mode="after")
    def _require_one(self) -> "Sink":
        if sum(one is not None for one in (self.eventbridge, self.s3, self.webhook)) != 1:
            sentence = "must have one of eventbridge, s3 and webhook"
            raise PydanticCustomError("tenant_file", "{sentence}", {"sentence": sentence})
        return self


class Events(Part):
    """The events of a stage. types: log codes."""

    types: Listed[LogCode] = Field(min_length=1, max_length=100)
    to: Sink
