"""The links of emails about accounts. The pages behind them stand on the same tickets as /accounts/*."""

from dataclasses import dataclass

from chalicelib.accounts.passwords import rules_of
from chalicelib.accounts.proofs import EmailProofs
from chalicelib.accounts.tickets import Tickets, leads_to
from chalicelib.model.request import Request
from chalicelib.model.tenant import Realm
from chalicelib.passwords.policy import Objection
from chalicelib.protection.calls import CODES, CallGuard
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.tickets import RESET, VERIFY, EmailTicket


@dataclass(slots=True, eq=False, repr=False)
class LinkFlow:
    """Answers people who followed a link to confirm an email or to choose a new password."""

    config: ConfigStore
    tickets: Tickets
    proofs: EmailProofs
    guard: CallGuard

    @property
    def tenant_name(self) -> str:
        """The name that the pages have."""
        return self.config.tenant().friendly_name

    def open(self, purpose: str, token: str) -> EmailTicket:
        """Return a link's ticket without using it up; raises InvalidGrant if its use would be refused."""
        ticket = self.tickets.open_by_ticket(purpose, token)
        self.proofs.require_subject(ticket)
        return ticket

    def count(self, request: Request) -> None:
        """Count a press of a button; raises TooManyAttempts. A refused password leaves the ticket, but costs work."""
        self.guard.take(CODES, request.source_ip)

    def password_rules(self, ticket: EmailTicket) -> list[str]:
        """Return the rules of a ticket's realm for new passwords, in words."""
        detection, realm = self.config.tenant().breached_password_detection, self._realm(ticket)
        rules = rules_of(realm.password_policy, detection.enabled) if realm else {}
        return [rule.fill(rule.message) for objection, rule in rules.items() if objection != Objection.TOO_LONG]

    def min_length(self, ticket: EmailTicket) -> int:
        """Return how many characters a new password of a ticket's realm has at least."""
        realm = self._realm(ticket)
        return realm.password_policy.min_length if realm else 1

    def result_url(self, ticket: EmailTicket) -> str:
        """Return where a ticket's page leads in the end, "" for nowhere. A host that left the realm's list is none."""
        url, realm = ticket.subject.result_url, self._realm(ticket)
        return url if realm and leads_to(url, realm.result_hosts) else ""

    def verify(self, request: Request, token: str) -> str:
        """Verify the email of a link, or make the account of its sign-up; raises InvalidGrant.

        Return the result_url of the ticket.
        """
        ticket = self.tickets.open_by_ticket(VERIFY, token)
        result_url = self.result_url(ticket)
        self.proofs.verify_email(ticket, request.outcome)
        request.outcome.event = "sv"
        return result_url

    def reset(self, request: Request, token: str, password: str) -> None:
        """Set the password of a link's user. Raises InvalidGrant, and InvalidPassword, after which the link works."""
        self.proofs.reset_password(self.tickets.open_by_ticket(RESET, token), password, request)
        request.outcome.event = "scp"

    def _realm(self, ticket: EmailTicket) -> Realm | None:
        return self.config.realm(ticket.subject.realm)
