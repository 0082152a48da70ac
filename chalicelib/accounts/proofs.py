"""Act on an opened ticket: its reader has the email, so the email is verified, and a new password may be set."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.accounts.outgoing import PASSWORD_CHANGED
from chalicelib.accounts.passwords import NewPasswords
from chalicelib.accounts.tickets import INVALID, Tickets
from chalicelib.errors import InvalidGrant
from chalicelib.identifiers import canonical
from chalicelib.model.clock import in_words
from chalicelib.model.request import Outcome, Request
from chalicelib.model.storage import Write
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.passwords.policy import former_hashes
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.outgoing import OutgoingMail, OutgoingStore
from chalicelib.store.people.user_records import IdentifierTaken, NewPassword, UserRecords
from chalicelib.store.tickets import EmailTicket, TicketSubject


@dataclass(slots=True, eq=False, repr=False)
class EmailProofs:
    """Uses tickets up, each in one transaction with what it brings. records_of: returns a realm's records."""

    config: ConfigStore
    records_of: Callable[[Realm], UserRecords]
    tickets: Tickets
    passwords: NewPasswords
    attempts: AttemptStore
    queue: OutgoingStore

    def verify_email(self, ticket: EmailTicket, outcome: Outcome) -> None:
        """Verify the email of a ticket's user, or make the user whose sign-up waited for this; raises InvalidGrant."""
        subject, now = ticket.subject, self.tickets.clock.now_s()
        outcome.realm, outcome.user = subject.realm, subject.user_id
        realm = self._realm(subject)
        if subject.sign_up:
            self._create(realm, _user_of(subject, now), ticket)
            return
        verified = self.records_of(realm).verification_writes(self._user(realm, subject), now)
        self._commit(*verified, self.tickets.store.use_write(ticket))

    def reset_password(self, ticket: EmailTicket, password: str, request: Request) -> None:
        """Set a ticket's user a new password, end what stood on the old one, and mail the user.

        Raises InvalidGrant, and InvalidPassword without using the ticket up. Refresh tokens end unless the tenant keeps
        them, pending logins and access tokens of the MFA API in any case. The email is verified by this. The network of
        the request counts as one that the user logged in from: so they get in while strangers guess at the account.
        A sign-up that waited for its verification becomes an account.
        """
        subject = ticket.subject
        request.outcome.realm, request.outcome.user = subject.realm, subject.user_id
        realm = self._realm(subject)
        if subject.sign_up:
            self._make_user(realm, ticket, password, request.outcome)
        else:
            self._change_password(realm, ticket, password, request)

    def require_subject(self, ticket: EmailTicket) -> None:
        """Raise InvalidGrant if a ticket's realm or user is gone, or the user is another one by now."""
        realm = self._realm(ticket.subject)
        if not ticket.subject.sign_up:
            self._user(realm, ticket.subject)

    def _make_user(self, realm: Realm, ticket: EmailTicket, password: str, outcome: Outcome) -> None:
        """Make the user of a sign-up with this password in place of its own."""
        user = replace(_user_of(ticket.subject, self.tickets.clock.now_s()), password_hash="")
        hashed = self.passwords.hash(password, user, realm, outcome.warnings.append)
        self._create(realm, replace(user, password_hash=hashed), ticket)

    def _create(self, realm: Realm, user: User, ticket: EmailTicket) -> None:
        try:
            self.records_of(realm).create(user, self.tickets.store.use_write(ticket))
        except IdentifierTaken:
            raise InvalidGrant(
                INVALID, reason="the ticket was used, or the email or username is taken by now"
            ) from None

    def _change_password(self, realm: Realm, ticket: EmailTicket, password: str, request: Request) -> None:
        now, user = self.tickets.clock.now_s(), self._user(realm, ticket.subject)
        new = NewPassword(
            password_hash=self.passwords.hash(password, user, realm, request.outcome.warnings.append),
            # Together with the current password these are as many as the policy compares with.
            former=tuple(former_hashes(user, max(0, realm.password_policy.history - 1))),
            ends_families=self.config.tenant().revokes_on_password_change,
            known_addresses=user.known_addresses_after(request.source_ip),
            verifies=ticket.subject.verifies,
        )
        told = OutgoingMail(PASSWORD_CHANGED, realm.name, user.email, user.user_id, {"time": in_words(now)})
        # Forgotten first: if AWS fails in between, the ticket still works.
        self.attempts.forget(self.records_of(realm).users.key_of(user.user_id))
        self._commit(
            *self.records_of(realm).reset_writes(user, new, now),
            self.tickets.store.use_write(ticket),
            self.queue.queue_write(told, self.tickets.clock.now_ms()),
        )

    def _commit(self, *writes: Write) -> None:
        try:
            self.tickets.dynamo.commit(writes)
        except ConditionFailed:
            raise InvalidGrant(INVALID, reason="the ticket was used, or the user was changed, meanwhile") from None

    def _realm(self, subject: TicketSubject) -> Realm:
        realm = self.config.realm(subject.realm)
        if realm is None or (subject.sign_up and not realm.signup.enabled):
            raise InvalidGrant(INVALID, reason="the realm is gone, or takes no sign-ups any more")
        return realm

    def _user(self, realm: Realm, subject: TicketSubject) -> User:
        """Return a ticket's user; raises InvalidGrant if the email or the credentials are other ones by now."""
        user = self.records_of(realm).users.read(subject.user_id)
        if user is None or canonical(user.email) != canonical(subject.email):
            raise InvalidGrant(INVALID, reason="the user is gone, or has another email")
        if user.credential_version != subject.credential_version:
            raise InvalidGrant(INVALID, reason="the user's credentials were changed after the email")
        return user


def _user_of(subject: TicketSubject, now: int) -> User:
    """Return the user of a sign-up whose email is verified."""
    return User(user_id=subject.user_id, **subject.sign_up, email_verified=True, created_at=now, updated_at=now)
