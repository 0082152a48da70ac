"""The two things that a help desk may do: lift a user's blocks, and reset the second factors (docs/adr/0065)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.accounts.factors import reset_factors
from chalicelib.errors import Conflict, InexistentUser, InvalidRequest, TemporarilyUnavailable
from chalicelib.identifiers import is_acceptable
from chalicelib.model.request import Outcome
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.logs.audit import DONE, FAILED, AuditEntry, AuditLog
from chalicelib.store.logs.callers import CallerIdentity
from chalicelib.store.people.enrolments import EnrolmentStore
from chalicelib.store.people.users import UserStore

UNBLOCK, RESET_FACTORS = "unblock", "reset-factors"
NO_RESULT = "the audit log lacks the result of this change"


@dataclass(frozen=True, slots=True)
class Call:
    """One change that a caller asks for. who: a username, email or user_id of the realm, a name or an alias."""

    action: str
    realm: str
    who: str
    proof: Mapping[str, str]

    @classmethod
    def of(cls, event: object) -> "Call":
        """Return the call of an event. Raises InvalidRequest."""
        match event:
            case {"action": str(action), "realm": str(realm), "who": str(who), "proof": dict(proof), **more}:
                if not more and all(isinstance(value, str) for value in proof.values()) and is_acceptable(who):
                    return cls(action, realm, who, proof)
        raise InvalidRequest("The event must have action, realm, who and proof.")


@dataclass(slots=True, eq=False, repr=False)
class HelpDeskFlow:
    """Does what a call of the help desk asks for. enrolments_of: returns those of a realm."""

    callers: CallerIdentity
    config: ConfigStore
    dynamo: Dynamo
    attempts: AttemptStore
    enrolments_of: Callable[[Realm], EnrolmentStore]
    audit: AuditLog

    def answer(self, event: object, outcome: Outcome) -> dict[str, Any]:
        """Do what an event asks for, and return whom it concerned. The change stands between two audit lines.

        Raises InvalidRequest, AccessDenied, InexistentUser, Conflict.
        """
        call = Call.of(event)
        change = {UNBLOCK: self._unblock, RESET_FACTORS: self._reset_factors}.get(call.action)
        if change is None:
            raise InvalidRequest("action must be unblock or reset-factors.")
        who = self.callers.find_arn(call.proof)
        realm = self._find_realm(call.realm)
        user = self._find_user(realm, call.who)
        outcome.action, outcome.realm, outcome.user = call.action, realm.name, user.user_id
        entry = AuditEntry(who, f"help-desk {call.action}", {"realm": realm.name, "user": user.user_id})
        self.audit.write(entry)
        outcome.audit = entry.audit
        try:
            change(realm, user)
        except BaseException as failure:
            self._note_result(replace(entry, result=FAILED, error=type(failure).__name__), outcome)
            raise
        self._note_result(replace(entry, result=DONE), outcome)
        return {"realm": realm.name, "user_id": user.user_id}

    def _find_realm(self, called: str) -> Realm:
        realm = self.config.realm(self.config.tenant().realm_named(called))
        if realm is None:
            raise InvalidRequest("The stage has no such realm.")
        return realm

    def _find_user(self, realm: Realm, who: str) -> User:
        users = UserStore(self.dynamo, realm.users_table)
        user = users.read(who) or users.read(users.locate(who, ("username", "email")) or who)
        if user is None:
            raise InexistentUser
        return user

    def _unblock(self, realm: Realm, user: User) -> None:
        self.attempts.forget(UserStore(self.dynamo, realm.users_table).key_of(user.user_id))

    def _reset_factors(self, realm: Realm, user: User) -> None:
        enrolments = self.enrolments_of(realm)
        try:
            reset_factors(enrolments, self.attempts, user, self.dynamo.read(enrolments.read_of(user.user_id)))
        except ConditionFailed:
            raise Conflict("The user was changed meanwhile.") from None

    def _note_result(self, entry: AuditEntry, outcome: Outcome) -> None:
        """Write the second line. The change cannot be taken back any more, so a failure of this is a warning."""
        try:
            self.audit.write(entry)
        except TemporarilyUnavailable as failure:
            outcome.warnings.append(f"{NO_RESULT}: {failure.reason}")
