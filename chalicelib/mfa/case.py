"""A person whose second factor is in question, and how they were found."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.errors import ExpiredToken, InvalidGrant, Unauthorized
from chalicelib.model.enrolment import EMAIL, Authenticator, Enrolment, PendingLogin
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client, Realm, Tenant
from chalicelib.model.user import User
from chalicelib.store.config import ConfigStore
from chalicelib.store.enrolments import EnrolmentStore
from chalicelib.store.pending import PendingStore
from chalicelib.store.transactions import Write

MALFORMED = "Malformed mfa_token"


@dataclass(frozen=True, slots=True)
class Case:
    """A person, their second factors, and the login that waits; None where an access token speaks for the person."""

    tenant: Tenant
    realm: Realm
    user: User
    enrolment: Enrolment
    pending: PendingLogin | None

    @property
    def account(self) -> str:
        """What limits and sealed secrets know the person by."""
        return f"{self.realm.name}#{self.user.user_id}"

    @property
    def active(self) -> tuple[Authenticator, ...]:
        """What can be challenged: the confirmed authenticators of factors that are on, and a verified email."""
        return (*(one for one in self.enrolment.active if self.is_on(one.kind)), *own_email(self.user, self.tenant))

    @property
    def usable(self) -> tuple[Authenticator, ...]:
        """What a code may come from: those, and what this very login may confirm.

        Somebody who has a password alone may enrol a first factor, and never gets another one confirmed beside it.
        """
        login_id = self.pending.login_id if self.pending else ""
        waiting = [one for one in self.enrolment.authenticators if not one.is_active and self.is_on(one.kind)]
        may_be_first = not self.enrolment.active
        ours = [one for one in waiting if not one.enrolled_by or (may_be_first and one.enrolled_by == login_id)]
        return (*self.active, *ours)

    def is_on(self, kind: str) -> bool:
        """Whether the tenant has this factor."""
        return kind in self.tenant.mfa.factors


@dataclass(frozen=True, slots=True)
class Proof:
    """A second factor that was shown. amr: RFC 8176 values. writes: what uses it up.

    record: attributes that the person's record gets with it. members: what the token response says beside.
    """

    amr: tuple[str, ...]
    writes: tuple[Write, ...]
    record: dict[str, str]
    members: dict[str, str]


def own_email(user: User, tenant: Tenant) -> tuple[Authenticator, ...]:
    """Return the authenticator that a verified email is by itself, where the tenant has that factor."""
    if not (user.email and user.email_verified and EMAIL in tenant.mfa.factors):
        return ()
    return (Authenticator(f"{EMAIL}|dev_own", EMAIL, user.email, is_active=True),)


@dataclass(frozen=True, slots=True)
class Cases:
    """Finds cases. enrolments_of: a realm's. clock: epoch seconds."""

    config: ConfigStore
    pending: PendingStore
    enrolments_of: Callable[[Realm], EnrolmentStore]
    clock: Callable[[], float]

    def of_login(self, mfa_token: str, request: Request, client: Client | None) -> Case:
        """Return the case of an mfa_token; client: who shows it, None where nobody said.

        Raises InvalidGrant where it is not this client's, or its person has changed; ExpiredToken; Unauthorized.
        """
        pending = self.pending.login(mfa_token)
        owner = client or (self.config.client(pending.client_id) if pending else None)
        if pending is None or owner is None or pending.client_id != owner.client_id:
            raise InvalidGrant(MALFORMED, reason="no pending login of this client")
        request.outcome.realm, request.outcome.user = pending.realm, pending.user_id
        if pending.ends_at <= self.clock():
            raise ExpiredToken("mfa_token is expired")
        realm = self.config.realm(pending.realm) if pending.realm in owner.realms else None
        if realm is None:
            raise InvalidGrant(MALFORMED, reason="the realm is gone, or not the client's any more")
        case = self.of_person(realm, pending.user_id, pending)
        if case is None or case.user.credential_version != pending.credential_version:
            _refuse_blocked(case)
            raise InvalidGrant(MALFORMED, reason="the user was changed after the password was checked")
        return case

    def of_person(self, realm: Realm, user_id: str, pending: PendingLogin | None = None) -> Case | None:
        """Return the case of a person, or None where the person is gone."""
        user, enrolment = self.enrolments_of(realm).read(user_id)
        return Case(self.config.tenant(), realm, user, enrolment, pending) if user else None


def _refuse_blocked(case: Case | None) -> None:
    if case and case.user.blocked:
        raise Unauthorized("user is blocked")
