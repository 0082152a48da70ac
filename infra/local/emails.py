"""The emails that moto received, whole: by itself it keeps the HTML and forgets the text."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import Message, ses_backends


@dataclass(frozen=True, slots=True)
class Email:
    """One email. html: "" if it is text alone."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str


def received_emails() -> list[Email]:
    """Return the emails of all regions, the oldest of each first."""
    return [_email(message) for region in ses_backends[DEFAULT_ACCOUNT_ID].values() for message in region.sent_messages]


@contextmanager
def whole_emails() -> Iterator[None]:
    """Let moto keep both parts of each email that comes by SES v2."""
    # moto registers its models when they are imported, which the first call would do.
    from moto.sesv2.responses import SESV2Response  # noqa: PLC0415

    of_moto = SESV2Response.send_email

    def send_email(self: SESV2Response) -> str:
        answer = of_moto(self)
        body = json.loads(self.body)["Content"]["Simple"]["Body"]
        message = self.sesv2_backend.core_backend.sent_messages[-1]
        message.body, message.html = body["Text"]["Data"], body.get("Html", {}).get("Data", "")
        return answer

    SESV2Response.send_email = send_email  # type: ignore[method-assign]  # what moto's dispatcher calls
    try:
        yield
    finally:
        SESV2Response.send_email = of_moto  # type: ignore[method-assign]  # put back


def _email(message: Message) -> Email:
    return Email(
        tuple(message.destinations["ToAddresses"]), message.subject, message.body, getattr(message, "html", "")
    )
