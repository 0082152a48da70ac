"""The second factors of a person in the Management API: seen, removed, and a new recovery code."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.accounts.factors import reset_factors
from chalicelib.errors import Conflict, InvalidBody
from chalicelib.flows.management.admission import ManagementAdmission, note_change
from chalicelib.flows.management.paging import read_page
from chalicelib.flows.management.people import PeopleFinder, Person
from chalicelib.flows.management.shapes import iso_time
from chalicelib.mfa.recovery import renew_recovery_code
from chalicelib.model.enrolment import FACTOR_KINDS, OOB, RECOVERY_CODE, Authenticator, Enrolment
from chalicelib.model.request import Request
from chalicelib.model.tenant import Realm
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.people.enrolments import EnrolmentStore

READ, UPDATE = "read:users", "update:users"
# Auth0's types of authentication methods.
TYPES = {"otp": "totp", "sms": "phone", "email": "email", RECOVERY_CODE: "recovery-code"}


@dataclass(slots=True, eq=False, repr=False)
class FactorsFlow:
    """Answers for second factors. enrolments_of: returns those of a realm."""

    admission: ManagementAdmission
    finder: PeopleFinder
    enrolments_of: Callable[[Realm], EnrolmentStore]
    attempts: AttemptStore

    def list_authenticators(self, request: Request) -> list[Any]:
        """Return the authenticators of a person, in the form of /mfa/authenticators, with masked addresses."""
        _, enrolment = self._find(request, READ)
        return [_authenticator(one) for one in enrolment.authenticators] + _recovery(
            enrolment, {"id": "recovery-code|dev_own", "authenticator_type": "recovery-code", "active": True}
        )

    def list_methods(self, request: Request) -> dict[str, Any] | list[Any]:
        """Return the same as Auth0's authentication methods."""
        person, enrolment = self._find(request, READ)
        made_at = iso_time(person.user.created_at)
        recovery = {"id": "recovery-code|dev_own", "type": TYPES[RECOVERY_CODE], "confirmed": True}
        methods = [_method(one) for one in enrolment.authenticators] + _recovery(enrolment, recovery)
        dated = [{**method, "created_at": made_at} for method in methods]
        return read_page(request.query).show_of("authenticators", dated, lambda one: str(one["id"]), lambda one: one)

    def list_enrollments(self, request: Request) -> list[Any]:
        """Return the same as Auth0's Guardian enrollments."""
        _, enrolment = self._find(request, READ)
        return [_enrollment(one) for one in enrolment.authenticators]

    def remove(self, request: Request) -> None:
        """Remove all factors and the recovery code of a person; pending logins end. Raises Conflict."""
        person, enrolment = self._find(request, UPDATE)
        try:
            reset_factors(self.enrolments_of(person.realm), self.attempts, person.user, enrolment)
        except ConditionFailed:
            raise Conflict("The user was changed meanwhile.") from None
        note_change(request, person.realm.name, person.user.user_id)

    def renew_recovery_code(self, request: Request) -> dict[str, Any]:
        """Give a person a new recovery code, and return it. Raises InvalidBody without a second factor, Conflict."""
        person, enrolment = self._find(request, UPDATE)
        if not enrolment.active:
            raise InvalidBody("The user has no second factor, which a recovery code belongs to.")
        after, code = renew_recovery_code(enrolment)
        try:
            self.enrolments_of(person.realm).replace(person.user, enrolment, after)
        except ConditionFailed:
            raise Conflict("The user was changed meanwhile.") from None
        note_change(request, person.realm.name, person.user.user_id)
        return {"recovery_code": code}

    def _find(self, request: Request, scope: str) -> tuple[Person, Enrolment]:
        self.admission.admit(request, scope)
        person = self.finder.of_path(request)
        read = self.enrolments_of(person.realm).read_of(person.user.user_id)
        return person, self.finder.dynamo.read(read)


def _recovery(enrolment: Enrolment, entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry] if RECOVERY_CODE in enrolment.kinds.split(",") else []


def _authenticator(one: Authenticator) -> dict[str, Any]:
    kind = FACTOR_KINDS[one.kind].authenticator_type
    channel = {"oob_channel": one.kind, "name": one.masked_address} if kind == OOB else {}
    return {"id": one.authenticator_id, "authenticator_type": kind, "active": one.is_active, **channel}


def _method(one: Authenticator) -> dict[str, Any]:
    shown = {"sms": "phone_number", "email": "email"}.get(one.kind)
    address = {shown: one.masked_address} if shown else {}
    return {"id": one.authenticator_id, "type": TYPES[one.kind], "confirmed": one.is_active, **address}


def _enrollment(one: Authenticator) -> dict[str, Any]:
    shown = {"sms": "phone_number", "email": "identifier"}.get(one.kind)
    address = {shown: one.masked_address} if shown else {}
    method = {"otp": "authenticator", "sms": "sms"}.get(one.kind)
    status = "confirmed" if one.is_active else "pending"
    return {
        "id": one.authenticator_id,
        "status": status,
        "type": one.kind,
        **({"auth_method": method} if method else {}),
        **address,
    }
