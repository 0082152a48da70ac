"""Keep the text messages and emails of a local run, which moto received, and show each in the log."""

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends

from infra.local.emulated_aws import REGION


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message. channel: sms or email. at: when it was first seen, ISO 8601 in UTC."""

    channel: str
    to: str
    text: str
    at: str


@dataclass(frozen=True, slots=True)
class Outbox:
    """The messages sent so far, oldest first. moto is polled for them, because it stores no times.

    show: takes each new message.
    """

    show: Callable[[SentMessage], None]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sent: list[SentMessage] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def look(self) -> None:
        """Add and show the new messages. The lock is needed: requests and the schedule run in threads of their own."""
        with self._lock:
            at = self.now().isoformat(timespec="milliseconds")
            for channel, received in (("sms", _text_messages()), ("email", _emails())):
                known = sum(one.channel == channel for one in self.sent)
                for to, text in received[known:]:
                    message = SentMessage(channel, to, text, at)
                    self.sent.append(message)
                    self.show(message)

    def as_json(self) -> bytes:
        """Return all messages as a JSON array, newest first."""
        self.look()
        return json.dumps([asdict(one) for one in reversed(self.sent)]).encode()


def _text_messages() -> list[tuple[str, str]]:
    return list(sns_backends[DEFAULT_ACCOUNT_ID][REGION].sms_messages.values())


def _emails() -> list[tuple[str, str]]:
    mails = ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages
    return [(", ".join(mail.destinations["ToAddresses"]), mail.body) for mail in mails]
