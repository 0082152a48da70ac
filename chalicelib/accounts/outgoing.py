"""Queue the emails of accounts. The schedule sends them: a request looks nobody up, so its answer tells nothing."""

from dataclasses import dataclass

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.clock import Clock
from chalicelib.protection.mails import MailGuard
from chalicelib.store.outgoing import OutgoingMail, OutgoingStore
from chalicelib.store.tickets import RESET, VERIFY

# The kinds of emails. Those of VERIFY and RESET have a ticket and a code, which are made when they are sent.
SIGN_UP = "sign-up"
SIGN_UP_ATTEMPT = "sign-up-attempt"
USERNAME_TAKEN = "username-taken"
PASSWORD_CHANGED = "password-changed"

__all__ = ["PASSWORD_CHANGED", "RESET", "SIGN_UP", "SIGN_UP_ATTEMPT", "USERNAME_TAKEN", "VERIFY", "MailQueue"]


@dataclass(slots=True, eq=False, repr=False)
class MailQueue:
    """Puts emails that a person asked for into the queue, within their bounds.

    has_sender: whether the stage can send emails; without one, nothing is queued.
    """

    store: OutgoingStore
    guard: MailGuard
    clock: Clock
    has_sender: bool

    def ask_verification(self, realm: str, email: str) -> None:
        """Queue an email by which whoever has an address verifies it."""
        self.request(OutgoingMail(VERIFY, realm, email))

    def request(self, mail: OutgoingMail) -> None:
        """Queue an email to whoever has its address, if its bounds allow one more; silent if they do not."""
        if not self.has_sender:
            return
        taken = self.guard.take(mail.realm, mail.to, mail.kind)
        if taken is None:
            return
        try:
            self.store.queue(mail, self.clock.now_ms())
        except TemporarilyUnavailable:
            self.guard.give_back(taken)
            raise
