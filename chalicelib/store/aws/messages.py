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
    """Sends. email_from: the verified sender of emails, "" if none is set up."""

    aws: Aws
    email_from: str

    def send_sms(self, phone_number: str, text: str) -> None:
        """Send a text message to an E.164 number."""
        kind = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}
        with _logged_as(SMS_UNSENT):
            self.aws.send("Publish", PhoneNumber=phone_number, Message=text, MessageAttributes=kind)

    def send_email(self, to: str, subject: str, text: str) -> None:
        """Send an email; raises ServerError if the stage has no sender."""
        content = {"Simple": {"Subject": {"Data": subject}, "Body": {"Text": {"Data": text}}}}
        destination = {"ToAddresses": [to]}
        with _logged_as(EMAIL_UNSENT):
            if not self.email_from:
                raise ServerError("The message could not be sent.", reason="GATEHOUSE_EMAIL_FROM is not set")
            self.aws.send("SendEmail", FromEmailAddress=self.email_from, Destination=destination, Content=content)


@contextmanager
def _logged_as(event: str) -> Iterator[None]:
    """Give a failure inside this block its log code."""
    try:
        yield
    except WireError as failure:
        failure.event = event
        raise
