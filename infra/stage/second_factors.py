"""List, enroll and reset the second factors of a realm's users, through the deployed code's own store."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from chalicelib.accounts.factors import reset_factors
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.mfa.enrolling import MAX_AUTHENTICATORS, confirm_authenticator
from chalicelib.mfa.limits import Limits
from chalicelib.mfa.names import list_authenticators, list_switched_off
from chalicelib.mfa.otp import Otp
from chalicelib.mfa.recovery import RecoveryCode
from chalicelib.mfa.session import MfaSession
from chalicelib.model.clock import SystemClock
from chalicelib.model.enrolment import OTP, Enrolment, PendingLogin
from chalicelib.model.login import RequestedAccess
from chalicelib.model.tenant import Realm
from chalicelib.model.user import User
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.code_attempts import AllowanceStore, WrongCodeStore
from chalicelib.store.configuration.vault import Vault
from chalicelib.store.notices import DAY_S, WRONG_CODES, NoticeStore
from chalicelib.store.people.enrolments import EnrolmentStore
from chalicelib.store.people.user_records import NoSuchUser
from infra.errors import NotReady, OperatorError
from infra.stage.aws import Stage
from infra.stage.keys import stage_key
from infra.stage.people import People


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """The second factors of one realm's users."""

    people: People
    enrolments: EnrolmentStore
    otp: Otp
    recovery_code: RecoveryCode

    @classmethod
    def of(cls, stage: Stage, realm_name: str) -> "SecondFactors":
        """Return the second factors of a realm. Raises OperatorError for an unknown realm."""
        people = People.of(stage, realm_name)
        clock = SystemClock()
        enrolments = EnrolmentStore(stage.dynamo, people.realm, clock, people.tell)
        vault = Vault(stage.aws, stage.name)
        limits = _limits(stage)
        otp = Otp(vault, limits, lambda _: enrolments, clock)
        return cls(people, enrolments, otp, RecoveryCode(limits, lambda _: enrolments))

    def find_session(self, who: str) -> MfaSession:
        """Return the MFA session of the user of this user_id, username or email. Raises OperatorError."""
        user_id = self.people.find(who).user_id
        user, enrolment = self.enrolments.dynamo.read_all(
            self.people.users.read_of(user_id), self.enrolments.read_of(user_id)
        )
        if user is None:
            raise NoSuchUser(user_id)
        return MfaSession(
            self.people.config.tenant(), self.people.realm, user, enrolment, _no_login(self.people.realm, user)
        )

    def enroll(self, session: MfaSession) -> dict[str, Any]:
        """Add a confirmed authenticator app; return its secret, its otpauth URI, and a first recovery code.

        Raises OperatorError.
        """
        if not session.is_on(OTP):
            raise OperatorError(
                "The tenant has no factor otp. Add it to `mfa.factors` of the tenant file, and apply that."
            )
        if len(session.enrolment.authenticators) >= MAX_AUTHENTICATORS:
            raise OperatorError(f"{session.user.user_id} has {MAX_AUTHENTICATORS} authenticators, which is the most.")
        enrolment, made = self._associate(session)
        with_code, recovery = self.recovery_code.first(session, enrolment)
        with _refuse_if_changed(session):
            after = confirm_authenticator(with_code, with_code.authenticators[-1])
            self.enrolments.replace(session.user, session.enrolment, after)
        return {"secret": made["secret"], "barcode_uri": made["barcode_uri"], **recovery}

    def reset(self, session: MfaSession) -> None:
        """Remove all factors and the recovery code, and clear the counts of codes and messages. Raises OperatorError.

        Logins that wait for a second factor and access tokens of the MFA API end.
        """
        with _refuse_if_changed(session):
            reset_factors(self.enrolments, self.people.attempts, session.user, session.enrolment)

    def _associate(self, session: MfaSession) -> tuple[Enrolment, dict[str, Any]]:
        try:
            return self.otp.associate(session)
        except TemporarilyUnavailable as failure:
            if "NotFoundException" in failure.reason:
                raise NotReady("missing: the data key") from None
            raise


def list_factors(session: MfaSession) -> list[dict[str, Any]]:
    """Return a user's factors, with masked addresses. offered: whether the tenant has the factor switched on."""
    return [
        {**one, "offered": session.is_on(kind_of(one))}
        for one in (*list_authenticators(session), *list_switched_off(session))
    ]


def kind_of(factor: dict[str, Any]) -> str:
    """Return the kind of a listed factor, such as otp or sms."""
    return str(factor.get("oob_channel", factor["authenticator_type"]))


@contextmanager
def _refuse_if_changed(session: MfaSession) -> Iterator[None]:
    try:
        yield
    except ConditionFailed:
        raise OperatorError(f"{session.user.user_id} was changed meanwhile. Run the command again.") from None


def _limits(stage: Stage) -> Limits:
    dynamo, table = stage.dynamo, f"{stage.prefix}attempts"
    return Limits(
        AllowanceStore(dynamo, table),
        WrongCodeStore(dynamo, table),
        commit=dynamo.commit,
        mac=stage_key(stage).mac,
        on_wrong=NoticeStore(dynamo, table, WRONG_CODES, DAY_S).note,
        clock=SystemClock(),
    )


def _no_login(realm: Realm, user: User) -> PendingLogin:
    """Return a pending login for a session that has none: it has no client, audience or scopes."""
    nothing = RequestedAccess("", frozenset())
    return PendingLogin("", "", realm.name, user.user_id, user.credential_version, nothing, None, 0, 0)
