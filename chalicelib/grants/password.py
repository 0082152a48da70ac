"""The password grant and Auth0's password-realm grant: a username and a password, checked in a realm."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.directories.dynamodb import DynamoDirectory
from chalicelib.errors import InvalidGrant, InvalidRequest, Unauthorized
from chalicelib.identifiers import digest, is_acceptable
from chalicelib.model.login import Login
from chalicelib.model.request import Request
from chalicelib.model.tenant import Client, Realm, Tenant
from chalicelib.model.user import User
from chalicelib.protection import AccountGuard, Attempt
from chalicelib.store.attempts import Counter
from chalicelib.store.config import ConfigStore
from chalicelib.store.transactions import Write

WRONG = "Wrong email or password."


def default_directory(tenant: Tenant, _: Request) -> str:
    """Return the realm of grant_type=password; raises InvalidRequest where the tenant has none."""
    if tenant.default_directory is None:
        raise InvalidRequest("Authorization server not configured with default connection.")
    return tenant.default_directory


def requested_realm(_: Tenant, request: Request) -> str:
    """Return the realm that the request names."""
    return request.required("realm")


@dataclass(frozen=True, slots=True)
class PasswordGrant:
    """Proves a person by username and password.

    grant_type, parameters: which of the two grants this is. realm_name: where they differ. directory_of: the directory
    of a realm. commit: does writes apart from a token. clock: epoch seconds.
    """

    grant_type: str
    parameters: tuple[str, ...]
    realm_name: Callable[[Tenant, Request], str]
    config: ConfigStore
    directory_of: Callable[[Realm], DynamoDirectory]
    guard: AccountGuard
    commit: Callable[[tuple[Write, ...]], None]
    clock: Callable[[], float]
    log_codes: tuple[str, str] = ("sepft", "fepft")

    def prove(self, client: Client, request: Request) -> Login:
        """Return who is asking; raises InvalidGrant, Unauthorized for a blocked user, TooManyAttempts."""
        username = request.required("username")
        if not is_acceptable(username):
            raise InvalidRequest("username is too long or holds control characters.")
        directory = self._directory(client, request)
        request.outcome.user = f"name:{digest(username)}"
        user_id = directory.find(username)
        attempt = self._attempt(directory.realm, user_id or request.outcome.user, request)
        user = self._proved(directory, user_id, attempt, request)
        renewed = directory.renewed_hash(user, request.required("password"))
        write = directory.login_write(user, int(self.clock()), request.source_ip, renewed)
        return Login(
            sub=user.user_id,
            client_id=client.client_id,
            gty=("password",),
            protocol="oauth2-password",
            amr=("pwd",),
            auth_time=int(self.clock()),
            user=user,
            realm=directory.realm.name,
            source_ip=request.source_ip,
            writes=lambda counter: (*self.guard.clear_writes(attempt), write(counter)),
            # Whatever came of it, the password was right.
            give_back=lambda _: self.guard.give_back(attempt),
        )

    def _proved(self, directory: DynamoDirectory, user_id: str | None, attempt: Attempt, request: Request) -> User:
        """Count the attempt, then check it. user_id: None for an unknown user.

        Unknown user and wrong password differ in the log alone: the same bytes, the same calls, one bcrypt each.
        """
        with self.guard.admitted(attempt, lambda: directory.read(user_id)) as user:
            is_right = directory.has_password(user, request.required("password"))
        if user is None:
            self.guard.fail(attempt)
            raise InvalidGrant(WRONG, reason="unknown user", event="fu")
        request.outcome.user = user.user_id
        if not is_right:
            self.guard.fail(attempt)
            raise InvalidGrant(WRONG, reason="wrong password", event="fp")
        self._refuse_blocked(user, attempt)
        return user

    def _directory(self, client: Client, request: Request) -> DynamoDirectory:
        name = self.realm_name(self.config.tenant(), request)
        realm = self.config.realm(name) if name in client.realms else None
        if realm is None:
            raise InvalidRequest("Unknown realm.")
        request.outcome.realm = realm.name
        return self.directory_of(realm)

    def _attempt(self, realm: Realm, account: str, request: Request) -> Attempt:
        counter = Counter(account=f"{realm.name}#{account}", address=request.source_ip)
        return Attempt(counter, self.config.tenant().brute_force_protection)

    def _refuse_blocked(self, user: User, attempt: Attempt) -> None:
        if user.blocked:
            with self.guard.given_back_on_failure(attempt):
                self.commit(self.guard.clear_writes(attempt))
            raise Unauthorized("user is blocked", event="f")
