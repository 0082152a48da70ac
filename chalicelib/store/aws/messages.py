"""Text messages by SNS, and emails by SES v2."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chalicelib.errors import ServerError, WireError
from chalicelib.store.aws.calls import Aws

# Auth0's log codes of a message that could not be sent. The stage's alarm UnsentMessages counts them.
SMS_UNSENT = "gd_send_sms_failure"
EMAIL_UNSENT = "fn"


@dataclass(frozen=True, slots=True)
class Messages:
    """Sends messages. email_from: the verified sender of emails, "" if none is set up."""

    aws: Aws
    email_from: str

    def send_sms(self, phone_number: str, text: str) -> None:
        """Send a text message to an E.164 number."""
        kind = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}
        with _log_failures_as(SMS_UNSENT):
            self.aws.send("Publish", PhoneNumber=phone_number, Message=text, MessageAttributes=kind)

    def send_email(self, to: str, subject: str, text: str, html: str = "") -> None:
        """Send an email; raises ServerError if the stage has no sender. html: the same as text, "" for text alone."""
        body = {"Text": _part(text)} | ({"Html": _part(html)} if html else {})
        content = {"Simple": {"Subject": _part(subject), "Body": body}}
        destination = {"ToAddresses": [to]}
        with _log_failures_as(EMAIL_UNSENT):
            if not self.email_from:
                raise ServerError("The message could not be sent.", reason="GATEHOUSE_EMAIL_FROM is not set")
            self.aws.send("SendEmail", FromEmailAddress=self.email_from, Destination=destination, Content=content)


def _part(text: str) -> dict[str, str]:
    # Without a charset, SES takes 7-bit ASCII alone.
    return {"Data": text, "Charset": "UTF-8"}


@contextmanager
def _log_failures_as(event: str) -> Iterator[None]:
    """Log a failure inside this block by an event code of Auth0's."""
    try:
        yield
    except WireError as failure:
        failure.event = event
        raise
