"""The composition root: builds the parts once per process, and is the one place that names them all."""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial

from chalicelib.clients import ClientAuthenticator
from chalicelib.directories.dynamodb import DynamoDirectory
from chalicelib.flows.access import AccessRules
from chalicelib.flows.discovery import Discovery
from chalicelib.flows.introspection import IntrospectionFlow
from chalicelib.flows.revocation import RevocationFlow
from chalicelib.flows.token import Grant, TokenFlow
from chalicelib.flows.userinfo import UserinfoFlow
from chalicelib.grants.client_credentials import ClientCredentialsGrant
from chalicelib.grants.password import PasswordGrant, default_directory, requested_realm
from chalicelib.grants.refresh_token import RefreshTokenGrant
from chalicelib.http.application import Services
from chalicelib.model.tenant import PASSWORD, PASSWORD_REALM, Realm, SuspiciousIpThrottling
from chalicelib.passwords import dummy_hash, verify
from chalicelib.protection.account import AccountGuard
from chalicelib.protection.address import AddressGuard
from chalicelib.protection.client import ClientGuard
from chalicelib.settings import Settings, is_in_lambda
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.aws import Clients, connect
from chalicelib.store.buckets import CLIENTS, LOGINS, BucketStore
from chalicelib.store.config import ConfigStore
from chalicelib.store.families import FamilyStore
from chalicelib.store.kms import Kms
from chalicelib.store.sessions import SessionStore
from chalicelib.store.totals import TotalStore
from chalicelib.store.transactions import commit
from chalicelib.store.users import UserStore
from chalicelib.tokens.issuer import Issuer
from chalicelib.tokens.jws import kms_jws
from chalicelib.tokens.refresh import RefreshTokens
from chalicelib.tokens.verifier import AccessTokenVerifier


@dataclass(frozen=True, slots=True)
class World:
    """What the process stands in, beside AWS.

    clock: epoch seconds. pause: sleeps for so many seconds. new_id: a fresh jti. verify: holds a password against its
    stored form, one bcrypt a call.
    """

    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    new_id: Callable[[], str] = secrets.token_urlsafe
    verify: Callable[[str, str], bool] = verify


@dataclass(frozen=True, slots=True)
class _Parts:
    """What several of the services stand on, for one stage."""

    settings: Settings
    clients: Clients
    world: World
    config: ConfigStore
    sessions_table: str
    attempts_table: str
    refresh_tokens: RefreshTokens
    nobody: str = field(repr=False)

    def directory_of(self, realm: Realm) -> DynamoDirectory:
        users = UserStore(self.clients.dynamodb, realm.users_table)
        return DynamoDirectory(realm, users, self.settings.bcrypt_cost, self.nobody, self.world.verify)

    def throttling(self) -> SuspiciousIpThrottling:
        return self.config.tenant().suspicious_ip_throttling

    def buckets(self, kind: str) -> BucketStore:
        return BucketStore(self.clients.dynamodb, self.attempts_table, kind)

    def addresses(self) -> AddressGuard:
        return AddressGuard(self.buckets(LOGINS), self.throttling, self.world.clock)


def build(settings: Settings, clients: Clients, world: World) -> Services:
    """Build everything for one stage."""
    parts = _parts(settings, clients, world)
    config, refresh_tokens = parts.config, parts.refresh_tokens
    grants = {grant.grant_type: grant for grant in _grants(parts)}
    sessions = SessionStore(clients.dynamodb, parts.sessions_table)
    client_guard = ClientGuard(parts.buckets(CLIENTS), parts.throttling, world.clock)
    authenticator = ClientAuthenticator(config, sessions, client_guard, world.clock)
    verifier = AccessTokenVerifier(config, world.clock)
    issuer = Issuer(kms_jws(Kms(clients.kms)), clients.dynamodb, refresh_tokens, config.keys, world.clock, world.new_id)
    return Services(
        issuer=settings.issuer,
        trusted_proxies=settings.trusted_proxies,
        token=TokenFlow(authenticator, grants, AccessRules(config), issuer),
        revocation=RevocationFlow(authenticator, refresh_tokens, verifier),
        introspection=IntrospectionFlow(authenticator, refresh_tokens, verifier, config),
        userinfo=UserinfoFlow(verifier, config, parts.directory_of),
        discovery=Discovery(config, tuple(grants)),
    )


def _parts(settings: Settings, clients: Clients, world: World) -> _Parts:
    prefix = f"gatehouse-{settings.stage}-"
    config = ConfigStore(clients.dynamodb, f"{prefix}config", world.clock)

    def users_of(name: str) -> UserStore | None:
        realm = config.realm(name)
        return UserStore(clients.dynamodb, realm.users_table) if realm else None

    sessions_table = f"{prefix}sessions"
    refresh_tokens = RefreshTokens(FamilyStore(clients.dynamodb, sessions_table), world.clock, users_of)
    nobody = dummy_hash(settings.bcrypt_cost)
    return _Parts(settings, clients, world, config, sessions_table, f"{prefix}attempts", refresh_tokens, nobody)


def _grants(parts: _Parts) -> tuple[Grant, ...]:
    """Return every grant: a new one is one file and one line here."""
    clients, world = parts.clients, parts.world
    dynamodb, table = clients.dynamodb, parts.attempts_table
    addresses = parts.addresses()
    password = partial(
        PasswordGrant,
        config=parts.config,
        directory_of=parts.directory_of,
        guard=AccountGuard(
            AttemptStore(dynamodb, table), TotalStore(dynamodb, table), addresses, world.clock, world.pause
        ),
        commit=partial(commit, clients.dynamodb),
        clock=world.clock,
    )
    return (
        password(PASSWORD, ("username", "password"), default_directory),
        password(PASSWORD_REALM, ("username", "password", "realm"), requested_realm),
        RefreshTokenGrant(parts.refresh_tokens, parts.config, addresses),
        ClientCredentialsGrant(),
    )


@cache
def services() -> Services:
    """Return this process's services, from its environment; built at the first call."""
    return build(Settings.from_environ(), connect(), World())


def warm_up() -> None:
    """Build the services while Lambda starts the process, which has a whole processor then, and no request waiting.

    What fails here is left to the first request, which has an answer and a log line for it.
    """
    if is_in_lambda():
        with suppress(Exception):
            services()
