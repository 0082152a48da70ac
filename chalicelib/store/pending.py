"""Logins that wait, codes and links that were sent, in the sessions table until they are used or over.

Either is known to its holder by a token of 256 random bits, and to the store by that token's hash alone.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.model.enrolment import Challenge, PendingLogin
from chalicelib.model.login import Asked, Original
from chalicelib.store.aws import call
from chalicelib.store.batch import Place, Values, read_together
from chalicelib.store.items import from_item, to_item
from chalicelib.store.transactions import Write, commit

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

# How long the store can still tell a token that is over from one that never was.
REMEMBERED_S = 3600


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a link in an email lets its reader do. account: realm and person. ends_at: epoch seconds."""

    ticket_id: str
    account: str
    ends_at: int


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
        values = asdict(login)
        values["asked"]["scopes"] = sorted(login.asked.scopes)
        self._put(f"mfa#{login.login_id}", values, login.ends_at)

    def login_with(self, token: str, beside: Place) -> tuple[PendingLogin | None, Values | None]:
        """Return the pending login of an mfa_token, and the item of another place, in one call."""
        stored, other = read_together(self.dynamodb, Place(self.table, f"mfa#{stored_id(token)}", "once"), beside)
        return _login_from(json.loads(stored["document"])) if stored else None, other

    def put_challenge(self, challenge: Challenge) -> None:
        """Store a challenge."""
        self._put(f"oob#{challenge.challenge_id}", asdict(challenge), challenge.ends_at)

    def challenge(self, oob_code: str) -> Challenge | None:
        """Return the challenge of an oob_code."""
        values = self._get(f"oob#{stored_id(oob_code)}")
        return Challenge(**values) if values else None

    def put_ticket(self, ticket: Ticket) -> None:
        """Store a ticket."""
        self._put(f"unblock#{ticket.ticket_id}", asdict(ticket), ticket.ends_at)

    def ticket(self, token: str) -> Ticket | None:
        """Return the ticket of a link."""
        values = self._get(f"unblock#{stored_id(token)}")
        return Ticket(**values) if values else None

    def end_ticket(self, ticket: Ticket) -> None:
        """Use a ticket up; raises ConditionFailed where it was used already."""
        # As a transaction, which is known when it is sent again because its answer was lost.
        commit(self.dynamodb, (self._use(f"unblock#{ticket.ticket_id}"),))

    def use_login(self, login: PendingLogin) -> Write:
        """Return the write that uses a pending login up; its condition fails where it was used already."""
        return self._use(f"mfa#{login.login_id}")

    def use_challenge(self, challenge: Challenge) -> Write:
        """Return the write that uses a challenge up; its condition fails where it was used already."""
        return self._use(f"oob#{challenge.challenge_id}")

    def _use(self, pk: str) -> Write:
        key = to_item({"pk": pk, "sk": "once"})
        return {"Delete": {"TableName": self.table, "Key": key, "ConditionExpression": "attribute_exists(pk)"}}

    def _put(self, pk: str, values: dict[str, Any], ends_at: int) -> None:
        item = to_item({"pk": pk, "sk": "once", "document": json.dumps(values), "expires_at": ends_at + REMEMBERED_S})
        call(self.dynamodb.put_item, TableName=self.table, Item=item)

    def _get(self, pk: str) -> dict[str, Any] | None:
        key = to_item({"pk": pk, "sk": "once"})
        answer = call(self.dynamodb.get_item, TableName=self.table, Key=key, ConsistentRead=True)
        if "Item" not in answer:
            return None
        values: dict[str, Any] = json.loads(from_item(answer["Item"])["document"])
        return values


def _login_from(values: dict[str, Any]) -> PendingLogin:
    asked, original = values.pop("asked"), values.pop("original")
    return PendingLogin(
        **values,
        asked=Asked(asked["audience"], frozenset(asked["scopes"])),
        original=Original(**original | {"scopes": tuple(original["scopes"])}) if original else None,
    )
