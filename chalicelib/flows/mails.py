"""Send the emails that wait in the queue: each is taken before it is sent, so none is sent twice."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.accounts.preparation import MailPreparation, PreparedMail
from chalicelib.errors import WireError
from chalicelib.flows.mailer import RUN_S, Mailer
from chalicelib.model.clock import Clock
from chalicelib.model.request import Outcome
from chalicelib.protection.mails import StageMailLimit
from chalicelib.store.aws.messages import EMAIL_UNSENT
from chalicelib.store.outgoing import OutgoingStore


@dataclass(slots=True, eq=False, repr=False)
class MailFlow:
    """Sends the emails of the queue. issuer: the configured URL; without it no link can be made."""

    issuer: str
    queue: OutgoingStore
    preparation: MailPreparation
    limit: StageMailLimit
    mailer: Mailer
    clock: Clock

    def send(self, report: Callable[[Outcome], None]) -> None:
        """Send the emails that are due, as many as the stage may send and the run has time for.

        report: takes the outcome of each that failed.

        An email is lost if the run is cut short after it was taken, or SES fails.
        """
        if not (self.issuer and self.mailer.has_sender):
            return
        until = self.clock.now_s() + RUN_S
        for queued in self.queue.find_due(self.clock.now_s()):
            if self.clock.now_s() > until:
                return
            # Read before the email is taken: if the read fails, the next run tries again.
            found = self.preparation.find(queued.mail)
            self.mailer.prepare()
            taken = self.limit.take() if found else ()
            if taken is None:
                return
            if not self.queue.take(queued):
                self.limit.give_back(taken)
            elif found:
                self._send(found, report)

    def _send(self, found: PreparedMail, report: Callable[[Outcome], None]) -> None:
        try:
            mail = self.preparation.add_ticket(found)
            self.mailer.send(mail.to, mail.kind, mail.values)
        except WireError as failure:
            unsent = Outcome(EMAIL_UNSENT, realm=found.realm, user=found.user_id, error=failure.error)
            report(replace(unsent, reason=failure.reason))
