"""Second factors at rest: one item `mfa#ID` a person in the realm's users table, changed as a whole or not at all."""

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from chalicelib.model.enrolment import Authenticator, Enrolment
from chalicelib.model.storage import Item, Key, Read
from chalicelib.model.user import User
from chalicelib.store.items import Value, to_item
from chalicelib.store.transactions import Write, commit

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class EnrolmentStore:
    """The enrolments of one realm."""

    dynamodb: "DynamoDBClient"
    table: str

    def read_of(self, user_id: str) -> Read[Enrolment]:
        """Return the read of a person's enrolment, which is empty if nothing was ever stored."""
        return Read((Key(self.table, f"mfa#{user_id}"),), lambda items: _enrolment_from(user_id, items[0]))

    def write(self, before: Enrolment, after: Enrolment) -> Write:
        """Return the write of an enrolment's next state; its condition fails where another was faster."""
        is_first = before.version == 0
        condition = "attribute_not_exists(pk)" if is_first else "version = :seen"
        seen = {} if is_first else {"ExpressionAttributeValues": to_item({":seen": before.version})}
        item = _to_item(after, before.version + 1)
        return {"Put": {"TableName": self.table, "Item": item, "ConditionExpression": condition, **seen}}

    def replace(self, user: User, before: Enrolment, after: Enrolment) -> None:
        """Write an enrolment's next state, and what the record says of it.

        Raises ConditionFailed if the enrolment has changed meanwhile, or the person was blocked, deleted or given a new
        password.
        """
        commit(self.dynamodb, (self.write(before, after), self._record_write(user, after.kinds, ends=0)))

    def reset(self, user: User, before: Enrolment) -> None:
        """Remove all factors and end what was begun by them, as a new password does; raises ConditionFailed."""
        after = replace(before, data_key="", recovery_hash="", authenticators=())
        commit(self.dynamodb, (self.write(before, after), self._record_write(user, after.kinds, ends=1)))

    def _record_write(self, user: User, kinds: str, ends: int) -> Write:
        """Return the write of what the record says. ends: what its credential_version goes up by."""
        values: dict[str, Value] = {":kinds": kinds, ":seen": user.credential_version, ":ends": ends}
        return {
            "Update": {
                "TableName": self.table,
                "Key": to_item({"pk": f"user#{user.user_id}"}),
                "UpdateExpression": "SET multifactor = :kinds ADD credential_version :ends",
                "ConditionExpression": "credential_version = :seen",
                "ExpressionAttributeValues": to_item(values),
            }
        }


def _to_item(enrolment: Enrolment, version: int) -> dict[str, Any]:
    authenticators = json.dumps([asdict(one) for one in enrolment.authenticators])
    return to_item(
        {
            "pk": f"mfa#{enrolment.user_id}",
            "version": version,
            "data_key": enrolment.data_key,
            "recovery_hash": enrolment.recovery_hash,
            "authenticators": authenticators,
        }
    )


def _enrolment_from(user_id: str, stored: Item | None) -> Enrolment:
    if stored is None:
        return Enrolment(user_id)
    authenticators = tuple(Authenticator(**values) for values in json.loads(stored["authenticators"]))
    return Enrolment(user_id, stored["version"], stored["data_key"], stored["recovery_hash"], authenticators)
