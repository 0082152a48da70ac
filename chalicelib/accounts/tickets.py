"""Issue the ticket and the code of an email, and open a ticket by either: once, in time, and at most five tries.

The ticket is a text of 256 random bits after its version and the ticket_id. The code has six digits and is judged
MAX_TRIES times; each try is counted before it is compared. The store has a hash of the ticket, and a hash of the code
under the stage's key.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from chalicelib.errors import InvalidGrant
from chalicelib.identifiers import canonical
from chalicelib.model.clock import Clock
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.tickets import VERIFY, EmailTicket, TicketStore, TicketSubject

INVALID = "Invalid or expired code."
CODE_LIFETIME_S = 600
TICKET_LIFETIME_S = 86_400
DIGITS = 6
TICKET_BYTES = 32
ID_LENGTH = 32
# The beginning of tickets, which says their version (docs/adr/0032).
VERSION = "et1_"
MAX_URL = 2_048
# A host with its port, and then printable ASCII without what browsers read as a slash.
RESULT_URL = re.compile(r"https://([A-Za-z0-9.:-]+)(?:[/?#][!#-;=?-\[\]_a-z~]*)?")


@dataclass(frozen=True, slots=True)
class IssuedTicket:
    """The ticket and the code of one email, in plain text: only the email has them."""

    ticket: str = field(repr=False)
    code: str = field(repr=False)


@dataclass(slots=True, eq=False, repr=False)
class Tickets:
    """The tickets of one stage. mac: returns a keyed hash of the stage key, by purpose."""

    dynamo: Dynamo
    store: TicketStore
    mac: Callable[[str, bytes], bytes]
    clock: Clock

    def issue(self, subject: TicketSubject, lifetime_s: int = TICKET_LIFETIME_S) -> IssuedTicket:
        """Store a fresh ticket for a subject and return it with its code. Earlier ones of the subject end."""
        ticket_id, now = self._id(subject.purpose, subject.realm, subject.email), self.clock.now_s()
        secret, code = secrets.token_urlsafe(TICKET_BYTES), f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        ticket = EmailTicket(
            ticket_id=ticket_id,
            subject=subject,
            ticket_hash=_hash(secret),
            code_hash=self._code_hash(ticket_id, code),
            code_ends_at=now + min(CODE_LIFETIME_S, lifetime_s),
            ends_at=now + lifetime_s,
        )
        self.dynamo.commit((self.store.put_write(ticket),))
        return IssuedTicket(f"{VERSION}{ticket_id}{secret}", code)

    def open_by_code(self, purpose: str, realm: str, email: str, code: str) -> EmailTicket:
        """Return the ticket whose code this is; raises InvalidGrant. The try is counted, the code is not used up.

        email: as typed. code: without spaces and dashes.
        """
        ticket = self.store.count_try(self._id(purpose, realm, email), self.clock.now_s())
        if ticket is None:
            raise InvalidGrant(INVALID, reason="no live code, or too many tries")
        if not hmac.compare_digest(self._code_hash(ticket.ticket_id, code), ticket.code_hash):
            raise InvalidGrant(INVALID, reason="wrong code")
        return ticket

    def open_by_ticket(self, purpose: str, token: str) -> EmailTicket:
        """Return a link's ticket without using it up; raises InvalidGrant."""
        rest = token.removeprefix(VERSION)
        ticket_id, secret = rest[:ID_LENGTH], rest[ID_LENGTH:]
        found = self.dynamo.read(self.store.read_of(ticket_id)) if token.startswith(VERSION) else None
        if found is None or found.ends_at <= self.clock.now_s() or found.subject.purpose != purpose:
            raise InvalidGrant(INVALID, reason="no live ticket")
        if not hmac.compare_digest(_hash(secret), found.ticket_hash):
            raise InvalidGrant(INVALID, reason="a newer ticket took its place")
        return found

    def find_sign_up(self, realm: str, email: str) -> TicketSubject | None:
        """Return the sign-up that waits for the verification of an email, or None."""
        found = self.dynamo.read(self.store.read_of(self._id(VERIFY, realm, email)))
        if found is None or not found.subject.sign_up or found.ends_at <= self.clock.now_s():
            return None
        return found.subject

    def _id(self, purpose: str, realm: str, email: str) -> str:
        return self.mac("ticket", f"{purpose}\0{realm}\0{canonical(email)}".encode()).hex()[:ID_LENGTH]

    def _code_hash(self, ticket_id: str, code: str) -> str:
        return self.mac("ticket code", f"{ticket_id}\0{code}".encode()).hex()


def leads_to(url: str, hosts: Collection[str]) -> bool:
    """Return whether a result_url is an https URL of one of these hosts, as every browser reads it.

    All that stands before the path is compared, so that no user, port or backslash in it leads elsewhere.
    """
    found = RESULT_URL.fullmatch(url) if len(url) <= MAX_URL else None
    return found is not None and found[1].lower() in hosts


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
