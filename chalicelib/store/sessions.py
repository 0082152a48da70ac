"""The sessions table, except refresh tokens: pending logins, codes and links that were sent, and used names.

The holder of a login, a code or a link has a token of 256 random bits. The store has only its hash.
"""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from chalicelib.model.account import Account
from chalicelib.model.enrolment import Challenge, PendingLogin
from chalicelib.model.login import Original, RequestedAccess
from chalicelib.model.storage import Item, Key, Read, Value, Write
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import Dynamo, delete_write, from_item, put_write

# How long an expired token is kept, so that it can be told from one that never was.
REMEMBERED_S = 3600
MARK_BYTES = 16
TOKEN_BYTES = 32
# The beginnings of tokens, which say their version. Those of version 1 began with their random part.
MFA_TOKEN, TICKET = "mt2_", "ut2_"
# The sort key of all items here.
_ONCE = "once"


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right that a link in an email gives its reader. ends_at: epoch seconds.

    credential_version: the user's when the email was sent; None for a ticket stored without it.
    """

    ticket_id: str
    account: Account
    ends_at: int
    credential_version: int | None = None


def make_token(version: str) -> str:
    """Return a new token. version: MFA_TOKEN or TICKET."""
    return version + secrets.token_urlsafe(TOKEN_BYTES)


def stored_id(token: str) -> str:
    """Return the hash by which the store knows a token."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(slots=True, eq=False, repr=False)
class PendingStore:
    """Stores pending logins, challenges and tickets. Reads are consistent; callers compare ends_at, TTL only sweeps."""

    dynamo: Dynamo
    table: str

    def put_login(self, login: PendingLogin) -> None:
        """Store a pending login."""
        self.dynamo.put(self.table, _login_values(login))

    def read_of(self, token: str) -> Read[PendingLogin | None]:
        """Return the read of the pending login of an mfa_token."""
        return Read((self._key(f"mfa#{stored_id(token)}"),), lambda items: _login_from(items[0]) if items[0] else None)

    def put_challenge(self, login: PendingLogin, challenge: Challenge) -> None:
        """Store a login's challenge, in place of its earlier one."""
        self._put(_challenge_pk(login), asdict(challenge), challenge.ends_at)

    def challenge(self, login: PendingLogin) -> Challenge | None:
        """Return a login's latest challenge, or None if there is none or it was used."""
        values = self._get(_challenge_pk(login))
        return Challenge(**values) if values else None

    def put_ticket(self, ticket: Ticket) -> None:
        """Store a ticket."""
        values = asdict(ticket) | {"account": ticket.account.key}
        self._put(f"unblock#{ticket.ticket_id}", values, ticket.ends_at)

    def ticket(self, token: str) -> Ticket | None:
        """Return the ticket of a link."""
        values = self._get(f"unblock#{stored_id(token)}")
        return Ticket(**values | {"account": Account.of_key(values["account"])}) if values else None

    def end_ticket(self, ticket: Ticket) -> None:
        """Use a ticket up; raises ConditionFailed if it was used already."""
        # A transaction, as DynamoDB recognises one that is sent again after its answer was lost.
        self.dynamo.commit((delete_write(self._key(f"unblock#{ticket.ticket_id}"), "attribute_exists(pk)"),))

    def use_login(self, login: PendingLogin) -> Write:
        """Return the write that uses a pending login up; its condition fails if it was used already.

        The used login stays stored, so that an application which sends its mfa_token again gets the right answer.
        """
        condition = "attribute_exists(pk) AND attribute_not_exists(is_used)"
        return put_write(self.table, _login_values(login) | {"is_used": True}, condition)

    def use_challenge(self, login: PendingLogin, challenge: Challenge) -> Write:
        """Return the write that uses a challenge up; its condition fails if it was used or replaced."""
        return delete_write(self._key(_challenge_pk(login)), "document = :seen", seen=json.dumps(asdict(challenge)))

    def _put(self, pk: str, document: dict[str, Any], ends_at: int) -> None:
        self.dynamo.put(self.table, _values(pk, document, ends_at))

    def _get(self, pk: str) -> dict[str, Any] | None:
        return self.dynamo.read(Read((self._key(pk),), _document_from))

    def _key(self, pk: str) -> Key:
        return Key(self.table, pk, _ONCE)


@dataclass(slots=True, eq=False, repr=False)
class UsedNames:
    """Stores names that may be used once, such as the `jti` of a client's assertion, until they expire."""

    dynamo: Dynamo
    table: str

    def use_once(self, name: str, now: int, expires_at: int) -> bool:
        """Return whether this is the first use of a name: one conditional write. After expires_at it is free again."""
        # Marks the item as this request's own, in case the write is sent again after its answer was lost.
        mark = secrets.token_hex(MARK_BYTES)
        values: dict[str, Value] = {"pk": name, "sk": _ONCE, "expires_at": expires_at, "mark": mark}
        try:
            self.dynamo.put_if(self.table, values, "attribute_not_exists(pk) OR expires_at <= :now", now=now)
        except ConditionFailed as failure:
            return from_item(failure.item or {}).get("mark") == mark
        return True


def _values(pk: str, document: dict[str, Any], ends_at: int) -> dict[str, Value]:
    return {"pk": pk, "sk": _ONCE, "document": json.dumps(document), "expires_at": ends_at + REMEMBERED_S}


def _document_from(items: tuple[Item | None, ...]) -> dict[str, Any] | None:
    (item,) = items
    document: dict[str, Any] | None = json.loads(item["document"]) if item else None
    return document


def _challenge_pk(login: PendingLogin) -> str:
    return f"oob#{login.login_id or login.jti}"


def _login_values(login: PendingLogin) -> dict[str, Value]:
    document = asdict(login)
    # The document has an older name, as logins are pending while an upgrade is deployed.
    document["asked"] = document.pop("requested") | {"scopes": sorted(login.requested.scopes)}
    # Not in the document: the jti of an access token is never stored, and is_used is an attribute for conditions.
    del document["jti"], document["is_used"]
    return _values(f"mfa#{login.login_id}", document, login.ends_at)


def _login_from(item: Item) -> PendingLogin:
    document = json.loads(item["document"])
    requested, original = document.pop("asked"), document.pop("original")
    return PendingLogin(
        **document,
        is_used="is_used" in item,
        requested=RequestedAccess(requested["audience"], frozenset(requested["scopes"])),
        original=Original(**original | {"scopes": tuple(original["scopes"])}) if original else None,
    )
