"""The password grant and Auth0's password-realm grant: a username and a password, checked in a realm."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NoReturn

from chalicelib.errors import InvalidGrant, InvalidRequest, PasswordLeaked, Unauthorized, WireError
from chalicelib.identifiers import digest, is_acceptable
from chalicelib.model.account import Account
from chalicelib.model.clock import Clock
from chalicelib.model.directory import Directory, LoginRecord, LoginWrites
from chalicelib.model.login import Login
from chalicelib.model.request import Request
from chalicelib.model.storage import Write
from chalicelib.model.tenant import Client, Realm, Tenant
from chalicelib.model.user import User
from chalicelib.passwords.breached import RangeApi, is_refused
from chalicelib.protection.account import AccountGuard, AdmittedAttempt, LoginAttempt
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.revocations import RevocationStore
from chalicelib.tokens.settlement import Issuance, Issued, ProvedLogin

WRONG = "Wrong email or password."
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
    """Forgets the account's failures and records the login, while the tokens are signed.

    record: makes the writes that record the login.
    """

    guard: AccountGuard
    admitted: AdmittedAttempt
    record: LoginWrites = field(repr=False)

    def settle(self, issuance: Issuance) -> Issued:
        """Sign the tokens, and write at the same time: a password is not used up, so a retry can follow."""
        return issuance.sign_and_write(self._writes, WRONG)

    def undo(self, failure: Exception) -> None:
        """Give the attempt back: the password was right, even if the login failed later."""
        self.guard.give_back(self.admitted.attempt)

    def _writes(self, counter: str | None) -> tuple[Write, ...]:
        return (*self.guard.clear_writes(self.admitted), *self.record(counter))


@dataclass(slots=True, eq=False, repr=False)
class PasswordGrant:
    """Proves a user by username and password.

    grant_type, parameters, realm_name: differ between the two grants. realm_name: returns the name of the realm.
    directory_of: returns a realm's directory. mac: of the stage key. commit: does writes apart from a token.
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
    mac: Callable[[str, bytes], bytes]
    commit: Callable[[tuple[Write, ...]], None]
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
        renewed = directory.renew_hash(user, request.require("password"))
        record = LoginRecord(self.clock.now_s(), request.source_ip, password_hash=renewed)
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
        )
        return ProvedLogin(login, PasswordSettlement(self.guard, admitted, directory.login_writes(user, record)))

    def _check_password(self, client: Client, directory: Directory, request: Request) -> tuple[User, AdmittedAttempt]:
        """Count the attempt, then check it.

        An unknown user and a wrong password differ only in the log: same bytes, same calls, same bcrypts.
        """
        user_id, attempt, count = self._begin_attempt(client, directory, request)
        with self.guard.admit(attempt, directory.read_of(user_id)) as admitted:
            user = admitted.user
            is_right = directory.has_password(user, request.require("password"))
        if user is None:
            self.guard.fail(attempt)
            raise InvalidGrant(WRONG, reason="unknown user", event="fu")
        request.outcome.user = user.user_id
        if not is_right:
            self.guard.fail(attempt)
            raise InvalidGrant(WRONG, reason="wrong password", event="fp")
        if user.blocked:
            self._refuse(Unauthorized("user is blocked", event="f"), admitted)
        if self._is_breached(request):
            self._refuse(PasswordLeaked(), admitted)
        return replace(user, revocations=count), admitted

    def _find_directory(self, client: Client, request: Request) -> Directory:
        name = self.realm_name(self.config.tenant(), request)
        realm = self.config.realm(name) if name in client.realms else None
        if realm is None:
            raise InvalidRequest("Unknown realm.")
        request.outcome.realm = realm.name
        return self.directory_of(realm)

    def _begin_attempt(
        self, client: Client, directory: Directory, request: Request
    ) -> tuple[str | None, LoginAttempt, int]:
        """Return the user_id (None for an unknown user), the attempt, and the count of revocations.

        An unknown user is counted under the hash of the typed identifier. Raises TooManyAttempts.
        """
        addresses, address = self.guard.addresses, request.source_ip
        addresses.require_not_full(address)
        user_id, count, fill = self.dynamo.read_all(
            directory.user_id_of(request.require("username")),
            self.revocations.read_of(directory.realm.name, client.client_id),
            addresses.read_of(address),
        )
        addresses.require_room(address, fill)
        account = Account(directory.realm.name, user_id or request.outcome.user)
        return user_id, LoginAttempt(account, address, self.config.tenant().brute_force_protection, fill), count

    def _is_breached(self, request: Request) -> bool:
        detection = self.config.tenant().breached_password_detection
        return is_refused(request.require("password"), detection, self.range_api, request.outcome.warnings.append)

    def _refuse(self, refusal: WireError, admitted: AdmittedAttempt) -> NoReturn:
        """Raise the refusal of a user whose password was right, after their failures are cleared."""
        with self.guard.give_back_on_failure(admitted.attempt):
            self.commit(self.guard.clear_writes(admitted))
        raise refusal
