"""MFA sessions: a user whose second factor is asked for or changed, found by an mfa_token or an access token."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.errors import ExpiredToken, InsufficientScope, InvalidGrant, InvalidToken, Unauthorized
from chalicelib.model.account import Account
from chalicelib.model.clock import Clock
from chalicelib.model.directory import Directory
from chalicelib.model.enrolment import EMAIL, Authenticator, Enrolment, PendingLogin
from chalicelib.model.login import Original, RequestedAccess
from chalicelib.model.request import Request
from chalicelib.model.storage import Write
from chalicelib.model.tenant import ENROLL, Client, Realm, Tenant, mfa_audience
from chalicelib.model.user import Credentials, User
from chalicelib.protection.address import AddressGuard
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.people.enrolments import EnrolmentStore
from chalicelib.store.revocations import RevocationStore
from chalicelib.store.sessions import PendingStore

MALFORMED = "Malformed mfa_token"
JWT_DOTS = 2


@dataclass(frozen=True, slots=True)
class MfaSession:
    """A user with their second factors and their pending login.

    pending: with an access token of the MFA API, a pending login without an id, made of the token's claims.
    """

    tenant: Tenant
    realm: Realm
    user: User
    enrolment: Enrolment
    pending: PendingLogin

    @property
    def is_login(self) -> bool:
        """Whether a login is pending; if not, the session was found by an access token of the MFA API."""
        return bool(self.pending.login_id)

    @property
    def account(self) -> Account:
        """The user's account, as limits and sealed secrets know it."""
        return Account(self.realm.name, self.user.user_id)

    @property
    def active(self) -> tuple[Authenticator, ...]:
        """The authenticators to challenge: the confirmed ones of factors that are on, and a verified email."""
        return (*(one for one in self.enrolment.active if self.is_on(one.kind)), *own_email(self.user, self.tenant))

    @property
    def is_enrolled(self) -> bool:
        """Whether a confirmed second factor is on; a recovery code counts, the user's own email does not."""
        return any(self.is_on(kind) for kind in self.enrolment.kinds.split(","))

    @property
    def may_enrol_first(self) -> bool:
        """Return whether this login may enrol the first factor.

        A refresh token never enrols one: a thief of it could plant a factor. If a verified email can be challenged, its
        code comes first (NIST SP 800-63B-4 4.1.2.1).
        """
        is_known_otherwise = self.is_enrolled or own_email(self.user, self.tenant)
        return self.is_login and not is_known_otherwise and self.pending.original is None

    @property
    def usable(self) -> tuple[Authenticator, ...]:
        """The authenticators whose code is accepted: the active ones, and those that this login may confirm.

        An access token confirms an authenticator that was enrolled with an access token, and does no more.
        A password alone may enrol the first factor. It never confirms a second one beside it.
        """
        waiting = [one for one in self.enrolment.authenticators if not one.is_active and self.is_on(one.kind)]
        own_id = self.pending.login_id if self.may_enrol_first else ""
        ours = [one for one in waiting if one.enrolled_by in ("", own_id)]
        return (*self.active, *ours) if self.is_login else tuple(ours)

    def is_on(self, kind: str) -> bool:
        """Whether the tenant has this factor."""
        return kind in self.tenant.mfa.factors


class WrongCode(InvalidGrant):
    """The code is wrong. It is a guess, so it counts as a failure of the address too."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proved second factor. amr: RFC 8176 values. give_back: the writes that return its attempt to the allowance.

    writes: use the code up. multifactor: the user's kinds of factors from now on, None if they stay.
    members: further members of the token response.
    """

    amr: tuple[str, ...]
    give_back: tuple[Write, ...] = field(repr=False)
    writes: tuple[Write, ...] = field(repr=False)
    multifactor: str | None
    members: dict[str, str] = field(repr=False)


def own_email(user: User, tenant: Tenant) -> tuple[Authenticator, ...]:
    """Return the authenticator of the user's verified email; empty if there is none or the factor is off."""
    if not (user.email and user.email_verified and EMAIL in tenant.mfa.factors):
        return ()
    return (Authenticator(f"{EMAIL}|dev_own", EMAIL, user.email, is_active=True),)


@dataclass(slots=True, eq=False, repr=False)
class MfaSessions:
    """Finds MFA sessions. addresses: refuses an address that failed too often.

    directory_of, enrolments_of: return a realm's. verify: returns the claims of an access token of an issuer.
    user_of: returns the realm and user of such claims. Both raise InvalidToken.
    """

    dynamo: Dynamo
    config: ConfigStore
    pending: PendingStore
    revocations: RevocationStore
    addresses: AddressGuard
    directory_of: Callable[[Realm], Directory]
    enrolments_of: Callable[[Realm], EnrolmentStore]
    verify: Callable[[str, str], dict[str, Any]]
    user_of: Callable[[dict[str, Any]], tuple[Realm, Credentials]]
    clock: Clock

    def find_for_grant(self, mfa_token: str, request: Request, client: Client) -> MfaSession:
        """Return the session of an MFA grant's `mfa_token`, which may hold an access token instead.

        An access token of the MFA API confirms an authenticator; it completes no login.
        Raises what find_by_mfa_token raises.
        """
        if not is_access_token(mfa_token):
            return self.find_by_mfa_token(mfa_token, request, client)
        try:
            session = self.find_by_access_token(mfa_token, request, ENROLL)
        except (InvalidToken, InsufficientScope) as failure:
            raise InvalidGrant(MALFORMED, reason=failure.reason) from None
        if session.pending.client_id != client.client_id:
            raise InvalidGrant(MALFORMED, reason="the access token is another client's")
        return session

    def find_by_mfa_token(self, mfa_token: str, request: Request, client: Client | None) -> MfaSession:
        """Return the session of an mfa_token. client: the authenticated client, None if there is none.

        Raises InvalidGrant if the token is another client's or the user's credentials have changed; ExpiredToken;
        Unauthorized; TooManyAttempts for an address that failed too often.
        """
        self.addresses.require_not_full(request.source_ip)
        pending, fill = self.dynamo.read_all(self.pending.read_of(mfa_token), self.addresses.read_of(request.source_ip))
        self.addresses.require_room(request.source_ip, fill)
        owner = client or (self.config.client(pending.client_id) if pending else None)
        if pending is None or owner is None or pending.client_id != owner.client_id:
            raise InvalidGrant(MALFORMED, reason="no pending login of this client")
        request.outcome.client_id = owner.client_id
        request.outcome.realm, request.outcome.user = pending.realm, pending.user_id
        if pending.is_used:
            raise InvalidGrant(MALFORMED, reason="the mfa_token was used")
        if pending.ends_at <= self.clock.now_s():
            raise ExpiredToken("mfa_token is expired")
        realm = self.config.realm(pending.realm) if pending.realm in owner.realms else None
        if realm is None:
            raise InvalidGrant(MALFORMED, reason="the realm is gone, or not the client's any more")
        session = self._read_session(realm, pending)
        if session is None or session.user.credential_epoch != pending.credential_version:
            _refuse_blocked(session)
            raise InvalidGrant(MALFORMED, reason="the user was changed after the password was checked")
        return session

    def find_by_access_token(self, token: str, request: Request, scope: str) -> MfaSession:
        """Return the session of an access token of the MFA API with this scope.

        Raises InvalidToken, InsufficientScope.
        """
        claims = self.verify(token, request.issuer)
        audience, aud = mfa_audience(request.issuer), claims["aud"]
        if audience not in ([aud] if isinstance(aud, str) else aud):
            raise InvalidToken(reason="no token of the MFA API")
        if scope not in claims["scope"].split():
            raise InsufficientScope(scope)
        realm, user = self.user_of(claims)
        request.outcome.client_id = request.outcome.client_id or claims["client_id"]
        request.outcome.realm, request.outcome.user = realm.name, user.user_id
        session = self._read_session(realm, _pending_of(claims, audience, realm, user))
        if session is None:
            raise InvalidToken(reason="the user is gone")
        self._require_current(session, claims)
        return session

    def _require_current(self, session: MfaSession, claims: dict[str, Any]) -> None:
        """Raise InvalidToken unless the token has the user's current credential version and a recent login.

        Once the user has a second factor, a token of a login without one is refused. A verified email counts as one if
        the tenant asks for its code at each login.
        """
        mfa = session.tenant.mfa
        # The user was found by an earlier read: a change since then must be noticed.
        if claims.get("credential_version") != session.user.credential_epoch:
            raise InvalidToken(reason="the user was changed after the login")
        if self.clock.now_ms() > 1000 * (claims["auth_time"] + mfa.manage_max_age_s):
            raise InvalidToken(reason="the login is too long ago to manage authenticators")
        owes = session.enrolment.active or (mfa.policy == "always" and own_email(session.user, session.tenant))
        if owes and "mfa" not in claims["amr"]:
            raise InvalidToken(reason="the user has a second factor, and this token's login did not prove it")

    def _read_session(self, realm: Realm, pending: PendingLogin) -> MfaSession | None:
        directory = self.directory_of(realm)
        user, enrolment, count = self.dynamo.read_all(
            directory.read_of(pending.user_id),
            self.enrolments_of(realm).read_of(pending.user_id),
            self.revocations.read_of(realm.name, pending.client_id),
        )
        if user and user.has_old_shape:
            user = directory.find(user.user_id)
        if user is None:
            return None
        return MfaSession(self.config.tenant(), realm, replace(user, revocations=count), enrolment, pending)


def is_access_token(token: str) -> bool:
    """Whether this is a JWT; an mfa_token has no dots."""
    return token.count(".") == JWT_DOTS


def _pending_of(claims: dict[str, Any], audience: str, realm: Realm, user: Credentials) -> PendingLogin:
    """Return a pending login without an id, made of an access token's claims; it leads to another such token."""
    scopes = tuple(claims["scope"].split())
    return PendingLogin(
        login_id="",
        client_id=claims["client_id"],
        realm=realm.name,
        user_id=user.user_id,
        credential_version=user.credential_version,
        requested=RequestedAccess(audience, frozenset(scopes)),
        original=Original(audience, scopes),
        auth_time=claims["auth_time"],
        ends_at=claims["exp"],
        jti=claims["jti"],
    )


def _refuse_blocked(session: MfaSession | None) -> None:
    if session and session.user.blocked:
        raise Unauthorized("user is blocked")
