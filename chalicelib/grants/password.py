"""The password grant and Auth0's password-realm grant: a username and a password, checked in a realm."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NoReturn

from chalicelib.errors import (
    InvalidGrant,
    InvalidRequest,
    PasswordLeaked,
    TemporarilyUnavailable,
    Unauthorized,
    WireError,
)
from chalicelib.identifiers import canonical, digest, is_acceptable
from chalicelib.legacy.migration import LazyMigration
from chalicelib.model.account import Account
from chalicelib.model.clock import Clock
from chalicelib.model.directory import Directory, LoginRecord, LoginWrites, NamedUser
from chalicelib.model.login import Login
from chalicelib.model.request import Request
from chalicelib.model.storage import Change
from chalicelib.model.tenant import Client, Realm, Tenant
from chalicelib.model.user import Credentials, User, with_profile
from chalicelib.passwords.breached import RangeApi, is_refused
from chalicelib.protection.account import AccountGuard, AdmittedAttempt, LoginAttempt
from chalicelib.protection.closed import TypedName
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.counting import clear_counts
from chalicelib.store.dynamo import Dynamo, update_of, update_write
from chalicelib.store.people.user_records import IdentifierTaken
from chalicelib.store.revocations import RevocationStore
from chalicelib.store.tally import DOORS, NOBODY
from chalicelib.tokens.settlement import Issuance, Issued, ProvedLogin

WRONG = "Wrong email or password."
UNVERIFIED = "Please verify your email before logging in."
UNJUDGED = "not judged, as the user's attempts are used up under another name"
TAKEN = "the legacy store's profile has a username, an email or a user_id that somebody else has here"
REALM_IGNORED = "realm is ignored beside grant_type=password, which logs in at the tenant's default_directory."


def default_directory(tenant: Tenant, request: Request) -> str:
    """Return the realm of grant_type=password; raises InvalidRequest if the tenant has no default_directory."""
    if "realm" in request.params:
        request.outcome.warnings.append(REALM_IGNORED)
    if tenant.default_directory is None:
        raise InvalidRequest("Authorization server not configured with default connection.")
    return tenant.default_directory


def requested_realm(tenant: Tenant, request: Request) -> str:
    """Return the name of the realm that the request names, by its name or an alias."""
    return tenant.realm_named(request.require("realm"))


@dataclass(slots=True, eq=False, repr=False)
class PasswordSettlement:
    """Records the login and forgets the account's failures, while the tokens are signed.

    record: makes the writes that do both.
    """

    guard: AccountGuard
    admitted: AdmittedAttempt
    record: LoginWrites = field(repr=False)

    def settle(self, issuance: Issuance) -> Issued:
        """Sign the tokens, and write at the same time: a password is not used up, so a retry can follow."""
        return issuance.sign_and_write(self.record, WRONG)

    def undo(self, failure: Exception) -> None:
        """Give the attempt back: the password was right, even if the login failed later."""
        self.guard.give_back(self.admitted)


@dataclass(slots=True, eq=False, repr=False)
class PasswordGrant:
    """Proves a user by username and password.

    grant_type, parameters, realm_name: differ between the two grants. realm_name: returns the name of the realm.
    directory_of: returns a realm's directory. needs_profile: whether a request's login needs the user's profile.
    ask_verification: has an email sent to an address in a realm, by which its user verifies it. mac: of the stage key.
    migration: knows people of realms with a legacy store who have not moved yet.
    """

    grant_type: str
    parameters: tuple[str, ...]
    realm_name: Callable[[Tenant, Request], str]
    dynamo: Dynamo
    config: ConfigStore
    directory_of: Callable[[Realm], Directory]
    guard: AccountGuard
    revocations: RevocationStore
    range_api: RangeApi
    needs_profile: Callable[[Request], bool]
    ask_verification: Callable[[str, str], None]
    mac: Callable[[str, bytes], bytes]
    migration: LazyMigration
    clock: Clock
    log_codes: tuple[str, str] = ("sepft", "fepft")
    is_for_users: bool = True

    def prove(self, client: Client, request: Request) -> ProvedLogin:
        """Return the user's login; raises InvalidGrant, Unauthorized, PasswordLeaked, TooManyAttempts."""
        username = request.require("username")
        if not is_acceptable(username):
            raise InvalidRequest("username is too long or holds control characters.")
        directory = self._find_directory(client, request)
        request.outcome.user = f"name:{digest(username, self.mac)}"
        user, admitted = self._check_password(client, directory, request)
        login = Login(
            sub=user.user_id,
            client_id=client.client_id,
            gty=("password",),
            protocol="oauth2-password",
            amr=("pwd",),
            auth_time=self.clock.now_s(),
            user=user,
            realm=directory.realm.name,
            source_ip=request.source_ip,
            door=admitted.attempt.door,
        )
        record = self._make_record(directory, user, admitted, request)
        return ProvedLogin(login, PasswordSettlement(self.guard, admitted, record))

    def _make_record(
        self, directory: Directory, user: Credentials, admitted: AdmittedAttempt, request: Request
    ) -> LoginWrites:
        """Return the function that makes the writes of the login, with the counts that it clears."""
        renewed = directory.renew_hash(user, request.require("password"))
        login = LoginRecord(self.clock.now_s(), request.source_ip, password_hash=renewed)
        counts = clear_counts(admitted.tally) if admitted.tally else Change()
        if admitted.attempt.is_user or not admitted.tally:
            return directory.login_writes(user, replace(login, counts=counts))
        cleared = update_write(admitted.attempt.counts, update_of(counts))
        record = directory.login_writes(user, login)
        return lambda counter: (cleared, *record(counter))

    def _check_password(
        self, client: Client, directory: Directory, request: Request
    ) -> tuple[Credentials, AdmittedAttempt]:
        """Count the attempt, then check it.

        An unknown user and a wrong password differ only in the log: same bytes, same calls, same bcrypts.
        """
        named, attempt, count = self._begin_attempt(client, directory, request)
        has_profile = self.needs_profile(request) or directory.realm.signup.requires_verified_email
        beside = directory.beside_counts(named.user_id if named else None, has_profile)
        without_item = partial(self._count_without_item, directory, named, attempt, request.outcome.user)
        with self.guard.admit(attempt, beside, without_item) as admitted:
            user = admitted.user
            is_asked = named is None and admitted.is_judged
            moving = self.migration.find(directory.realm, client, request) if is_asked else None
            is_right = moving is not None or directory.has_password(user, request.require("password"))
        decided = self.guard.decide(admitted, is_right)
        if moving and decided:
            user, decided = self._move(directory, moving, decided, request)
        if user is None:
            raise InvalidGrant(WRONG, reason="unknown user", event="fu")
        request.outcome.user = user.user_id
        if decided is None:
            reason = "wrong password" if admitted.is_judged else UNJUDGED
            raise InvalidGrant(WRONG, reason=reason, event="fp")
        if user.blocked:
            self._refuse(Unauthorized("user is blocked", event="f"), decided)
        if self._is_breached(request):
            self._refuse(PasswordLeaked(), decided)
        if directory.realm.signup.requires_verified_email:
            self._require_verified_email(directory.realm, with_profile(user), decided)
        return replace(user, revocations=count), decided

    def _move(
        self, directory: Directory, moving: User, admitted: AdmittedAttempt, request: Request
    ) -> tuple[Credentials | None, AdmittedAttempt | None]:
        """Write a user of the legacy store, and return the user with the attempt, None if it fails after all.

        If a parallel login has written the user already, the password is checked against that record. If AWS fails,
        the attempt is given back.
        """
        try:
            with suppress(IdentifierTaken):
                return self.migration.write(directory.realm, moving, request), admitted
            named = self.dynamo.read(directory.name_of(request.require("username")))
            found = directory.find(named.user_id) if named else None
        except TemporarilyUnavailable:
            self.guard.give_back(admitted)
            raise
        if found is None:
            request.outcome.warnings.append(TAKEN)
        return found, self.guard.decide(admitted, directory.has_password(found, request.require("password")))

    def _find_directory(self, client: Client, request: Request) -> Directory:
        name = self.realm_name(self.config.tenant(), request)
        realm = self.config.realm(name) if name in client.realms else None
        if realm is None:
            raise InvalidRequest("Unknown realm.")
        request.outcome.realm = realm.name
        return self.directory_of(realm)

    def _begin_attempt(
        self, client: Client, directory: Directory, request: Request
    ) -> tuple[NamedUser | None, LoginAttempt, int]:
        """Return the named user (None for an unknown one), the attempt, and the count of revocations.

        An unknown user is counted under the hash of the typed identifier. Raises TooManyAttempts.
        """
        addresses, address, typed = self.guard.addresses, request.source_ip, request.require("username")
        addresses.require_not_full(address)
        name, user_of = TypedName(directory.realm.name, canonical(typed), address), directory.name_of(typed)
        policy = self.config.tenant().brute_force_protection
        self.guard.closed.require_open(name, policy, user_of)
        named, count, fill = self.dynamo.read_all(
            user_of,
            self.revocations.read_of(directory.realm.name, client.client_id),
            addresses.read_of(address),
        )
        addresses.require_room(address, fill)
        account = Account(directory.realm.name, named.user_id if named else request.outcome.user)
        counts = directory.counts_of(named.user_id) if named else None
        attempt = LoginAttempt(
            account=account,
            counts=counts or self.guard.attempts.key_of(account),
            door=DOORS[named.kind] if named else NOBODY,
            is_user=counts is not None,
            address=address,
            policy=policy,
            fill=fill,
            name=name,
        )
        return named, attempt, count

    def _count_without_item(
        self, directory: Directory, named: NamedUser | None, attempt: LoginAttempt, hashed: str
    ) -> LoginAttempt:
        """Return the attempt to count at a user whose item is not there: as if nobody had the name.

        A user of the version before gets an item by that, and is counted there. hashed: the hash of the name.
        """
        if named and directory.find(named.user_id):
            return attempt
        account = Account(directory.realm.name, hashed)
        return replace(attempt, account=account, counts=self.guard.attempts.key_of(account), door=NOBODY, is_user=False)

    def _is_breached(self, request: Request) -> bool:
        detection = self.config.tenant().breached_password_detection
        return is_refused(request.require("password"), detection, self.range_api, request.outcome.warnings.append)

    def _require_verified_email(self, realm: Realm, user: User, admitted: AdmittedAttempt) -> None:
        """Refuse a user whose email is not verified, and have an email sent by which it can be."""
        if user.email and not user.email_verified:
            # An email that is lost must not change the answer.
            with suppress(TemporarilyUnavailable):
                self.ask_verification(realm.name, user.email)
            self._refuse(Unauthorized(UNVERIFIED, event="f"), admitted)

    def _refuse(self, refusal: WireError, admitted: AdmittedAttempt) -> NoReturn:
        """Raise the refusal of a user whose password was right, after their failures are cleared."""
        try:
            self.guard.clear(admitted)
        except ConditionFailed:
            raise InvalidGrant(WRONG, reason="the user is gone meanwhile") from None
        raise refusal
