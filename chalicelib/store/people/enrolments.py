"""Stored second factors: each user has one item `mfa#ID` in the realm's users table, always written as a whole."""

import json
from dataclasses import asdict, dataclass, replace

from chalicelib.model.enrolment import Authenticator, Enrolment
from chalicelib.model.storage import Item, Key, Read, Write
from chalicelib.model.user import User
from chalicelib.store.dynamo import Dynamo, Update, Value, put_write, update_write


@dataclass(slots=True, eq=False, repr=False)
class EnrolmentStore:
    """The enrolments of one realm."""

    dynamo: Dynamo
    table: str

    def read_of(self, user_id: str) -> Read[Enrolment]:
        """Return the read of a user's enrolment, which is empty if nothing was ever stored."""
        return Read((Key(self.table, f"mfa#{user_id}"),), lambda items: _enrolment_from(user_id, items[0]))

    def write(self, before: Enrolment, after: Enrolment) -> Write:
        """Return the write of an enrolment's next state. Its condition fails if another request was faster."""
        values = _values(after, before.version + 1)
        if before.version == 0:
            return put_write(self.table, values, "attribute_not_exists(pk)")
        return put_write(self.table, values, "version = :seen", seen=before.version)

    def replace(self, user: User, before: Enrolment, after: Enrolment) -> None:
        """Write an enrolment's next state, and its kinds in the user's record.

        Raises ConditionFailed if the enrolment has changed meanwhile, or the user was blocked, deleted or given a new
        password.
        """
        self.dynamo.commit((self.write(before, after), self._record_write(user, after.kinds, ends=0)))

    def reset(self, user: User, before: Enrolment) -> None:
        """Remove all factors and end the pending logins, as a new password does; raises ConditionFailed."""
        after = replace(before, data_key="", recovery_hash="", authenticators=())
        self.dynamo.commit((self.write(before, after), self._record_write(user, after.kinds, ends=1)))

    def _record_write(self, user: User, kinds: str, ends: int) -> Write:
        """Return the write of the kinds in the user's record. ends: added to its credential_version."""
        values: dict[str, Value] = {":kinds": kinds, ":seen": user.credential_version, ":ends": ends}
        change = Update("SET multifactor = :kinds ADD credential_version :ends", "credential_version = :seen", values)
        return update_write(Key(self.table, f"user#{user.user_id}"), change)


def _values(enrolment: Enrolment, version: int) -> dict[str, Value]:
    authenticators = json.dumps([asdict(one) for one in enrolment.authenticators])
    return {
        "pk": f"mfa#{enrolment.user_id}",
        "version": version,
        "data_key": enrolment.data_key,
        "recovery_hash": enrolment.recovery_hash,
        "authenticators": authenticators,
    }


def _enrolment_from(user_id: str, stored: Item | None) -> Enrolment:
    if stored is None:
        return Enrolment(user_id)
    authenticators = tuple(Authenticator(**values) for values in json.loads(stored["authenticators"]))
    return Enrolment(user_id, stored["version"], stored["data_key"], stored["recovery_hash"], authenticators)
