"""Logins that wait, codes and links that were sent, in the sessions table until they are over.

Each is known to its holder by a token of 256 random bits, and to the store by that token's hash alone.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.model.account import Account
from chalicelib.model.enrolment import Challenge, PendingLogin
from chalicelib.model.login import Original, RequestedAccess
from chalicelib.model.storage import Item, Key, Read
from chalicelib.store.aws import call
from chalicelib.store.items import from_item, to_item
from chalicelib.store.transactions import Write, commit

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

# How long the store can still tell a token that is over from one that never was.
REMEMBERED_S = 3600


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right that a link in an email gives its reader. ends_at: epoch seconds.

    credential_version: the person's when it was sent; None for one that was stored without.
    """

    ticket_id: str
    account: Account
    ends_at: int
    credential_version: int | None = None


def stored_id(token: str) -> str:
    """Return what the store knows a token by."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PendingStore:
    """Keeps pending logins and challenges. Every read is consistent; ends_at says what is over, TTL only sweeps."""

    dynamodb: "DynamoDBClient"
    table: str

    def put_login(self, login: PendingLogin) -> None:
        """Store a pending login."""
        call(self.dynamodb.put_item, TableName=self.table, Item=_login_item(login))

    def read_of(self, token: str) -> Read[PendingLogin | None]:
        """Return the read of the pending login of an mfa_token."""
        key = Key(self.table, f"mfa#{stored_id(token)}", "once")
        return Read((key,), lambda items: _login_from(items[0]) if items[0] else None)

    def put_challenge(self, login: PendingLogin, challenge: Challenge) -> None:
        """Store a login's challenge, in place of its earlier one."""
        self._put(_challenge_pk(login), asdict(challenge), challenge.ends_at)

    def challenge(self, login: PendingLogin) -> Challenge | None:
        """Return a login's latest challenge, if it has one that was not used."""
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
        """Use a ticket up; raises ConditionFailed where it was used already."""
        # As a transaction, which is known when it is sent again because its answer was lost.
        commit(self.dynamodb, (self._delete(f"unblock#{ticket.ticket_id}", "attribute_exists(pk)"),))

    def use_login(self, login: PendingLogin) -> Write:
        """Return the write that uses a pending login up; its condition fails if it was used already.

        The login stays as a used one: an application that shows its mfa_token again is no stranger.
        """
        item = _login_item(login) | to_item({"is_used": True})
        condition = "attribute_exists(pk) AND attribute_not_exists(is_used)"
        return {"Put": {"TableName": self.table, "Item": item, "ConditionExpression": condition}}

    def use_challenge(self, login: PendingLogin, challenge: Challenge) -> Write:
        """Return the write that uses a challenge up; its condition fails if it was used, or another one followed."""
        write = self._delete(_challenge_pk(login), "document = :seen")
        write["Delete"]["ExpressionAttributeValues"] = to_item({":seen": json.dumps(asdict(challenge))})
        return write

    def _delete(self, pk: str, condition: str) -> Write:
        key = to_item({"pk": pk, "sk": "once"})
        return {"Delete": {"TableName": self.table, "Key": key, "ConditionExpression": condition}}

    def _put(self, pk: str, values: dict[str, Any], ends_at: int) -> None:
        call(self.dynamodb.put_item, TableName=self.table, Item=_item(pk, values, ends_at))

    def _get(self, pk: str) -> dict[str, Any] | None:
        key = to_item({"pk": pk, "sk": "once"})
        answer = call(self.dynamodb.get_item, TableName=self.table, Key=key, ConsistentRead=True)
        if "Item" not in answer:
            return None
        values: dict[str, Any] = json.loads(from_item(answer["Item"])["document"])
        return values


def _item(pk: str, values: dict[str, Any], ends_at: int) -> dict[str, Any]:
    return to_item({"pk": pk, "sk": "once", "document": json.dumps(values), "expires_at": ends_at + REMEMBERED_S})


def _challenge_pk(login: PendingLogin) -> str:
    return f"oob#{login.login_id or login.jti}"


def _login_item(login: PendingLogin) -> dict[str, Any]:
    values = asdict(login)
    # The document's own name for it, as logins are pending while an upgrade is deployed.
    values["asked"] = values.pop("requested") | {"scopes": sorted(login.requested.scopes)}
    # Neither is the document's: an access token is not stored, and the use is an attribute that a condition can name.
    del values["jti"], values["is_used"]
    return _item(f"mfa#{login.login_id}", values, login.ends_at)


def _login_from(stored: Item) -> PendingLogin:
    values = json.loads(stored["document"])
    requested, original = values.pop("asked"), values.pop("original")
    return PendingLogin(
        **values,
        is_used="is_used" in stored,
        requested=RequestedAccess(requested["audience"], frozenset(requested["scopes"])),
        original=Original(**original | {"scopes": tuple(original["scopes"])}) if original else None,
    )
