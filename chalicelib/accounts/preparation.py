"""Find whom a queued email is for, and what it says. Only here is anybody looked up by an address that was typed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from chalicelib.accounts.outgoing import RESET, SIGN_UP, SIGN_UP_ATTEMPT, USERNAME_TAKEN, VERIFY
from chalicelib.accounts.tickets import CODE_LIFETIME_S, TICKET_LIFETIME_S, Tickets
from chalicelib.identifiers import is_mailable
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.outgoing import OutgoingMail
from chalicelib.store.people.users import UserStore
from chalicelib.store.tickets import TicketSubject

EMAIL_KIND, ANY_KIND = ("email",), ("email", "username")
# The pages behind the links of both purposes.
PAGES = {RESET: "u/reset", VERIFY: "u/verify"}


@dataclass(frozen=True, slots=True)
class PreparedMail:
    """An email to a known address. kind: of its template. values: for the template.

    subject: of the ticket that it still lacks; None if it has none. link: of that ticket, with `{ticket}`.
    """

    kind: str
    realm: str
    to: str
    user_id: str = ""
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    subject: TicketSubject | None = None
    link: str = ""


@dataclass(slots=True, eq=False, repr=False)
class MailPreparation:
    """Prepares emails. users_of: returns a realm's users. issuer: the URL that links begin with."""

    config: ConfigStore
    users_of: Callable[[Realm], UserStore]
    tickets: Tickets
    issuer: str

    def find(self, mail: OutgoingMail) -> PreparedMail | None:
        """Return the email to whom it is for, or None if nobody is to get one. Nothing is written."""
        realm = self.config.realm(mail.realm)
        if realm is None:
            return None
        prepared = self._find_in(realm, mail)
        return prepared if prepared and is_mailable(prepared.to) else None

    def add_ticket(self, mail: PreparedMail) -> PreparedMail:
        """Return the email with a fresh ticket and code, if it is to have them. Earlier ones of its subject end."""
        if mail.subject is None:
            return mail
        issued = self.tickets.issue(mail.subject)
        added = {
            "link": mail.link.replace("{ticket}", issued.ticket),
            "code": issued.code,
            "link_hours": str(TICKET_LIFETIME_S // 3600),
            "code_minutes": str(CODE_LIFETIME_S // 60),
        }
        return replace(mail, values={**mail.values, **added})

    def _find_in(self, realm: Realm, mail: OutgoingMail) -> PreparedMail | None:
        if mail.kind not in (SIGN_UP, RESET, VERIFY):
            return self._notice(realm, mail)
        users = self.users_of(realm)
        user_id = users.locate(mail.to, EMAIL_KIND)
        user = users.dynamo.read(users.read_of(user_id)) if user_id else None
        if mail.kind == SIGN_UP:
            return self._sign_up(realm, mail, user)
        if user is None:
            return self._waiting_sign_up(realm, mail)
        if mail.kind == VERIFY and user.email_verified:
            return None
        subject = TicketSubject(mail.kind, realm.name, user.user_id, user.email, user.credential_version)
        return self._with_subject(realm, subject)

    def _notice(self, realm: Realm, mail: OutgoingMail) -> PreparedMail | None:
        """Return a security notice to the address that it names, or else to its user's, if that is verified."""
        if not self.config.tenant().sends_notices:
            return None
        user = None if mail.to else self.users_of(realm).read(mail.user_id)
        to = user.email if user and user.email_verified else mail.to
        return PreparedMail(mail.kind, realm.name, to, mail.user_id, mail.values)

    def _sign_up(self, realm: Realm, mail: OutgoingMail, known: User | None) -> PreparedMail:
        """Return the email of a sign-up: the truth about its email and username goes to the mailbox alone."""
        if known:
            return PreparedMail(SIGN_UP_ATTEMPT, realm.name, known.email, known.user_id)
        username = str(mail.values["fields"].get("username", ""))
        if username and self.users_of(realm).locate(username, ANY_KIND):
            return PreparedMail(USERNAME_TAKEN, realm.name, mail.to, values={"username": username})
        subject = TicketSubject(VERIFY, realm.name, mail.user_id, mail.to, sign_up=mail.values["fields"])
        return self._with_subject(realm, subject)

    def _waiting_sign_up(self, realm: Realm, mail: OutgoingMail) -> PreparedMail | None:
        """Return an email to whoever signed up and did not verify yet: of the verification once more, or of a reset.

        A stranger may have signed up. So a reset brings a password of its reader's, and never that of the sign-up.
        """
        waiting = self.tickets.find_sign_up(realm.name, mail.to)
        return self._with_subject(realm, replace(waiting, purpose=mail.kind)) if waiting else None

    def _with_subject(self, realm: Realm, subject: TicketSubject) -> PreparedMail:
        link = link_of(subject.purpose, realm, self.issuer)
        return PreparedMail(subject.purpose, realm.name, subject.email, subject.user_id, subject=subject, link=link)


def link_of(purpose: str, realm: Realm, issuer: str) -> str:
    """Return the link of a ticket of this purpose, with `{ticket}`: to the team's own page, if the realm has one."""
    own = realm.password_reset.url if purpose == RESET else None
    return own or f"{issuer}{PAGES[purpose]}?ticket={{ticket}}"
