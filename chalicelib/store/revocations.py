"""Tokens that ended at large: one item `revoked#REALM` in the sessions table, read with a person (docs/adr/0021).

It holds a count for the realm, and one for each client that was ever named. TTL never sweeps it.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chalicelib.model.user import User
from chalicelib.store.aws import call
from chalicelib.store.batch import Place, Values
from chalicelib.store.items import to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

EVERYBODY = "everybody"


def place_of(table: str, realm: str) -> Place:
    """Return where a realm's counts are. table: the stage's sessions."""
    return Place(table, f"revoked#{realm}", "counts")


def counted(user: User, counts: Values | None, client_id: str) -> User:
    """Return the person with the revocations counted in that concern them at this client."""
    found = counts or {}
    return replace(user, revocations=found.get(EVERYBODY, 0) + found.get(_counter(client_id), 0))


@dataclass(frozen=True, slots=True)
class RevocationStore:
    """The counts of one stage. Every read is consistent; a revocation is one atomic addition."""

    dynamodb: "DynamoDBClient"
    table: str

    def place(self, realm: str) -> Place:
        """Return where a realm's counts are."""
        return place_of(self.table, realm)

    def revoke(self, realm: str, client_id: str = "") -> None:
        """End what everybody of a realm has out, through one client or through all, at once."""
        counter = _counter(client_id) if client_id else EVERYBODY
        call(
            self.dynamodb.update_item,
            TableName=self.table,
            Key=self.place(realm).key,
            UpdateExpression=f"ADD {counter} :one",
            ExpressionAttributeValues=to_item({":one": 1}),
        )


def _counter(client_id: str) -> str:
    return f"client_{hashlib.sha256(client_id.encode()).hexdigest()[:32]}"
