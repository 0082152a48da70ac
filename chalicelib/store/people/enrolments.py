"""Stored second factors: each user has one item `mfa#ID` in the realm's users table, always written as a whole.

Each change of a factor is remembered in it, and told to its owner by an email that is queued in the same transaction.
"""

import json
from dataclasses import asdict, dataclass, replace

from chalicelib.model.clock import Clock, in_words
from chalicelib.model.enrolment import (
    ADDED,
    EMAIL,
    REMOVED,
    SMS,
    USED,
    Authenticator,
    Enrolment,
    FactorChange,
    changes_between,
    forget_old,
)
from chalicelib.model.storage import Change, Item, Key, Read, Value, Write
from chalicelib.model.tenant import Realm
from chalicelib.model.user import Credentials
from chalicelib.store.dynamo import Dynamo, put_write, update_of, update_write
from chalicelib.store.outgoing import OutgoingMail, Tell
from chalicelib.store.people.items import credentials_key

# The emails of changes.
NOTICES = {ADDED: "factor-added", REMOVED: "factor-removed", USED: "recovery-code-used"}
# How emails name kinds of factors.
IN_WORDS = {SMS: "text messages to {}", EMAIL: "emails to {}"}
APP = "an authenticator app"


@dataclass(slots=True, eq=False, repr=False)
class EnrolmentStore:
    """The enrolments of one realm. tell: queues the emails of changes."""

    dynamo: Dynamo
    realm: Realm
    clock: Clock
    tell: Tell

    def read_of(self, user_id: str) -> Read[Enrolment]:
        """Return the read of a user's enrolment, which is empty if nothing was ever stored."""
        return Read((Key(self.realm.users_table, f"mfa#{user_id}"),), lambda items: _enrolment_from(user_id, items[0]))

    def writes(self, before: Enrolment, after: Enrolment) -> tuple[Write, ...]:
        """Return the writes of an enrolment's next state. A condition fails if another request was faster."""
        now = self.clock.now_s()
        changes = changes_between(before, after, now)
        after = replace(after, history=forget_old((*before.history, *changes), now))
        told = (write for change in changes for write in self.tell(self._notice(before.user_id, change)))
        return (self._write(before, after), *told)

    def replace(self, user: Credentials, before: Enrolment, after: Enrolment) -> None:
        """Write an enrolment's next state, and its kinds in the user's credentials.

        Raises ConditionFailed if the enrolment has changed meanwhile, or the user was blocked, deleted or given a new
        password.
        """
        self.dynamo.commit((*self.writes(before, after), self._record_write(user, after.kinds, ends=0)))

    def reset(self, user: Credentials, before: Enrolment) -> None:
        """Remove all factors and end the pending logins, as a new password does; raises ConditionFailed."""
        after = replace(before, data_key="", recovery_hash="", authenticators=())
        self.dynamo.commit((*self.writes(before, after), self._record_write(user, after.kinds, ends=1)))

    def _write(self, before: Enrolment, after: Enrolment) -> Write:
        values = enrolment_values(after, before.version + 1)
        if before.version == 0:
            return put_write(self.realm.users_table, values, "attribute_not_exists(pk)")
        return put_write(self.realm.users_table, values, "version = :seen", seen=before.version)

    def _notice(self, user_id: str, change: FactorChange) -> OutgoingMail:
        """Return the email of a change, to the user's address of the time when it is sent."""
        factor = IN_WORDS.get(change.kind, APP).format(change.name)
        values = {"time": in_words(change.at)} | ({} if change.action == USED else {"factor": factor})
        return OutgoingMail(NOTICES[change.action], self.realm.name, "", user_id, values)

    def _record_write(self, user: Credentials, kinds: str, ends: int) -> Write:
        """Return the write of the kinds in the user's credentials. ends: added to its credential_version."""
        change = Change(
            {"multifactor": kinds},
            {"credential_version": ends},
            conditions=("credential_version = :seen",),
            values={":seen": user.credential_version},
        )
        return update_write(credentials_key(self.realm.users_table, user.user_id), update_of(change))


def enrolment_values(enrolment: Enrolment, version: int) -> dict[str, Value]:
    """Return the item of an enrolment. version: counts its writes."""
    authenticators = json.dumps([asdict(one) for one in enrolment.authenticators])
    return {
        "pk": f"mfa#{enrolment.user_id}",
        "version": version,
        "data_key": enrolment.data_key,
        "recovery_hash": enrolment.recovery_hash,
        "authenticators": authenticators,
        "history": json.dumps([asdict(one) for one in enrolment.history]),
    }


def _enrolment_from(user_id: str, stored: Item | None) -> Enrolment:
    if stored is None:
        return Enrolment(user_id)
    authenticators = tuple(Authenticator(**values) for values in json.loads(stored["authenticators"]))
    history = tuple(FactorChange(**values) for values in json.loads(stored.get("history", "[]")))
    return Enrolment(user_id, stored["version"], stored["data_key"], stored["recovery_hash"], authenticators, history)
