"""Tickets in the sessions table: the rights that an email gives its reader, by a link's ticket or by a code.

The ticket and the code of one email are one item. A newer email for the same subject replaces it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from chalicelib.model.storage import Item, Key, Read, Value, Write
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import Dynamo, Update, delete_write, put_write

# The purposes of tickets.
VERIFY = "verify-email"
RESET = "reset-password"
# How often a code may be judged.
MAX_TRIES = 5
_ONCE = "once"


@dataclass(frozen=True, slots=True)
class TicketSubject:
    """The person and the purpose that a ticket is bound to.

    email: the address that it went to. credential_version: the user's when it was sent. sign_up: the fields of the
    user whom a ticket of a sign-up makes; empty if the user exists. verifies: whether its use verifies the email, which
    one that a backend hands on need not. result_url: where its page leads in the end; "" for nowhere.
    """

    purpose: str
    realm: str
    user_id: str
    email: str
    credential_version: int = 0
    sign_up: Mapping[str, Any] = field(default_factory=dict, repr=False)
    verifies: bool = True
    result_url: str = ""


@dataclass(frozen=True, slots=True)
class EmailTicket:
    """One email's ticket and code, as they are stored. Times are epoch seconds.

    ticket_id: the same for every ticket of a purpose, realm and email. code_ends_at: the end of the code, ends_at: of
    the ticket.
    """

    ticket_id: str
    subject: TicketSubject
    ticket_hash: str = field(repr=False)
    code_hash: str = field(repr=False)
    code_ends_at: int
    ends_at: int


@dataclass(slots=True, eq=False, repr=False)
class TicketStore:
    """Stores tickets. Reads are consistent, and callers compare ends_at; TTL only sweeps."""

    dynamo: Dynamo
    table: str

    def put_write(self, ticket: EmailTicket) -> Write:
        """Return the write of a ticket, in place of the earlier one of its ticket_id."""
        return put_write(self.table, _values(ticket))

    def read_of(self, ticket_id: str) -> Read[EmailTicket | None]:
        """Return the read of a ticket, which may be over."""
        return Read((self._key(ticket_id),), lambda items: _ticket_from(items[0]) if items[0] else None)

    def count_try(self, ticket_id: str, now: int) -> EmailTicket | None:
        """Count one try at a code, and return its ticket; None if there is none, its code is over, or tries are.

        One conditional write, whether the ticket exists or not.
        """
        counted = Update(
            "ADD tries :one",
            "attribute_exists(pk) AND tries < :most AND code_ends_at > :now",
            {":one": 1, ":most": MAX_TRIES, ":now": now},
        )
        try:
            return _ticket_from(self.dynamo.update_and_read(self._key(ticket_id), counted))
        except ConditionFailed:
            return None

    def use_write(self, ticket: EmailTicket) -> Write:
        """Return the write that uses a ticket and its code up; its condition fails if it was used or replaced."""
        return delete_write(self._key(ticket.ticket_id), "ticket_hash = :seen", seen=ticket.ticket_hash)

    def _key(self, ticket_id: str) -> Key:
        return Key(self.table, f"ticket#{ticket_id}", _ONCE)


def _values(ticket: EmailTicket) -> dict[str, Value]:
    return {
        "pk": f"ticket#{ticket.ticket_id}",
        "sk": _ONCE,
        "document": json.dumps(asdict(ticket)),
        "ticket_hash": ticket.ticket_hash,
        "code_ends_at": ticket.code_ends_at,
        "tries": 0,
        "expires_at": ticket.ends_at,
    }


def _ticket_from(item: Item) -> EmailTicket:
    document = json.loads(item["document"])
    return EmailTicket(**document | {"subject": TicketSubject(**document["subject"])})
