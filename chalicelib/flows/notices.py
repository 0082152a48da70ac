"""Email the owners of accounts that are attacked: once an hour of a block, once a day of wrong second factors.

A block's email has a link that unblocks (docs/run/attack-protection.md).
"""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.errors import InvalidRequest, WireError
from chalicelib.flows.mailer import RUN_S, Mailer
from chalicelib.mfa.limits import TELL_AFTER
from chalicelib.model.account import Account
from chalicelib.model.clock import Clock, in_words
from chalicelib.model.directory import Directory
from chalicelib.model.request import Outcome, Request
from chalicelib.model.user import User
from chalicelib.protection.calls import CODES, CallGuard
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.aws.messages import EMAIL_UNSENT
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.notices import Notice, NoticeStore
from chalicelib.store.sessions import TICKET, PendingStore, Ticket, make_token, stored_id

TICKET_LIFETIME_S = 86_400
NO_TICKET = (
    "This link was used already, or is not valid any more. A new one is mailed if the account is blocked again, "
    "once an hour at most. If you cannot log in now, ask those who run the service to unblock your account."
)


@dataclass(slots=True, eq=False, repr=False)
class NoticeFlow:
    """Sends the notices of attacks, and answers the links of blocks.

    issuer: the configured URL; without it no link can be made, so nothing is sent. blocks, wrong_codes: the notices.
    """

    issuer: str
    blocks: NoticeStore
    wrong_codes: NoticeStore
    attempts: AttemptStore
    tickets: PendingStore
    dynamo: Dynamo
    directory_named: Callable[[str], Directory | None]
    mailer: Mailer
    guard: CallGuard
    clock: Clock

    def send(self, report: Callable[[Outcome], None]) -> None:
        """Send every notice that was not sent yet, once. report: takes the outcome of each that failed.

        A notice is taken before its email is sent, so a failure never sends it twice. A notice is lost if the run is
        cut short or SES fails.
        """
        if self.issuer and self.mailer.has_sender:
            self._send_all(self.blocks, self._tell_of_block, report)
            self._send_all(self.wrong_codes, self._tell_of_codes, report)

    def _send_all(
        self, store: NoticeStore, tell: Callable[[Notice, User], None], report: Callable[[Outcome], None]
    ) -> None:
        until = self.clock.now_s() + RUN_S // 2
        for notice in store.find_untold(self.clock.now_s()):
            if self.clock.now_s() > until:
                return
            # Read before the notice is taken: if the read fails, the next run tries again.
            self.mailer.prepare()
            user = self._owner(notice.account)
            if not (store.take(notice) and user and user.email):
                continue
            try:
                tell(notice, user)
            except WireError as failure:
                realm, user_id = notice.account.realm, notice.account.id
                report(
                    Outcome(event=EMAIL_UNSENT, realm=realm, user=user_id, error=failure.error, reason=failure.reason)
                )

    def require_ticket(self, token: str) -> Ticket:
        """Return a link's ticket without using it; raises InvalidRequest for an expired or unknown one."""
        ticket = self.tickets.ticket(token)
        if ticket is None or ticket.ends_at <= self.clock.now_s() or not self._stands(ticket):
            raise InvalidRequest(NO_TICKET)
        return ticket

    def unblock(self, request: Request, token: str) -> None:
        """Use a link's ticket to forget the failures at its account.

        Raises InvalidRequest for an expired ticket, TooManyAttempts for an address that shows too many.
        """
        self.guard.take(CODES, request.source_ip)
        ticket = self.require_ticket(token)
        request.outcome.realm, request.outcome.user = ticket.account.realm, ticket.account.id
        # Forgotten first: if AWS fails in between, the link still works.
        self._forget_attempts(ticket.account)
        try:
            self.tickets.end_ticket(ticket)
        except ConditionFailed:
            raise InvalidRequest(NO_TICKET) from None
        request.outcome.event = "ublkdu"

    def _stands(self, ticket: Ticket) -> bool:
        """Return whether the user still exists, with the credentials of when the link was sent."""
        user = self._owner(ticket.account)
        return user is not None and ticket.credential_version in (None, user.credential_version)

    def _forget_attempts(self, account: Account) -> None:
        directory = self.directory_named(account.realm)
        counts = directory.counts_of(account.id) if directory else None
        self.attempts.forget(counts or self.attempts.key_of(account))

    def _owner(self, account: Account) -> User | None:
        directory = self.directory_named(account.realm)
        return self.dynamo.read(directory.read_of(account.id)) if directory else None

    def _tell_of_block(self, notice: Notice, user: User) -> None:
        token = make_token(TICKET)
        ends_at = self.clock.now_s() + TICKET_LIFETIME_S
        self.tickets.put_ticket(Ticket(stored_id(token), notice.account, ends_at, user.credential_version))
        values = {"link": f"{self.issuer}u/unblock?ticket={token}", "link_hours": str(TICKET_LIFETIME_S // 3600)}
        self.mailer.send(user.email, "blocked", values)

    def _tell_of_codes(self, notice: Notice, user: User) -> None:
        if user.email_verified and self.mailer.tenant().sends_notices:
            values = {"time": in_words(notice.found_at), "count": str(TELL_AFTER)}
            self.mailer.send(user.email, "wrong-codes", values)
