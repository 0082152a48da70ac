"""Keep the text messages and emails of a local run, which moto received, and show each in the log."""

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from infra.local.emails import received_emails
from infra.local.emulated_aws import REGION

PATH = "/_local/outbox"


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message. number: its place, from 1. channel: sms or email. at: when it was first seen, ISO 8601 in UTC.

    subject, html: of an email; "" if there is none.
    """

    number: int
    channel: str
    to: str
    subject: str
    text: str
    html: str = field(repr=False)
    at: str

    def as_dict(self) -> dict[str, Any]:
        """Return the message as the list shows it, with the path of its page in place of the HTML."""
        values = {name: value for name, value in asdict(self).items() if value and name != "html"}
        return values | {"page": f"{PATH}/{self.number}"}

    def as_html(self) -> str:
        """Return the message as a page."""
        plain = f'<!doctype html><meta charset="utf-8"><title>{escape(self.subject or self.channel)}</title>'
        return self.html or f"{plain}<pre>{escape(self.text)}</pre>"


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
                for to, subject, text, html in received[known:]:
                    message = SentMessage(len(self.sent) + 1, channel, to, subject, text, html, at)
                    self.sent.append(message)
                    self.show(message)

    def as_json(self) -> bytes:
        """Return all messages as a JSON array, newest first."""
        self.look()
        return json.dumps([one.as_dict() for one in reversed(self.sent)]).encode()

    def newest(self, count: int) -> list[SentMessage]:
        """Return the newest messages, newest first."""
        self.look()
        return self.sent[: -count - 1 : -1]

    def message(self, number: int) -> SentMessage | None:
        """Return the message of this number, or None if there is none."""
        self.look()
        return self.sent[number - 1] if 0 < number <= len(self.sent) else None


def _text_messages() -> list[tuple[str, str, str, str]]:
    sent = sns_backends[DEFAULT_ACCOUNT_ID][REGION].sms_messages.values()
    return [(to, "", text, "") for to, text in sent]


def _emails() -> list[tuple[str, str, str, str]]:
    return [(", ".join(mail.to), mail.subject, mail.text, mail.html) for mail in received_emails()]
