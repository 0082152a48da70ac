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
from chalicelib.model.tenant import PASSWORD, PASSWORD_REALM, Realm
from chalicelib.model.user import User
from chalicelib.passwords import dummy_hash, verify
from chalicelib.protection import AccountGuard
from chalicelib.rules.loading import load
from chalicelib.rules.runner import Metadata, Rules
from chalicelib.settings import Settings, is_in_lambda
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.aws import Clients, connect
from chalicelib.store.config import ConfigStore
from chalicelib.store.families import FamilyStore
from chalicelib.store.kms import Kms
from chalicelib.store.rule_settings import RuleSettings
from chalicelib.store.sessions import SessionStore
from chalicelib.store.transactions import commit
from chalicelib.store.users import UserStore
from chalicelib.store.vault import Vault, data_key_alias
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
    users_of: Callable[[str], UserStore | None]
    sessions_table: str
    refresh_tokens: RefreshTokens
    nobody: str = field(repr=False)

    @property
    def vault(self) -> Vault:
        """What seals secrets at rest."""
        return Vault(self.clients.kms, data_key_alias(self.settings.stage))

    def directory_of(self, realm: Realm) -> DynamoDirectory:
        users = UserStore(self.clients.dynamodb, realm.users_table)
        return DynamoDirectory(realm, users, self.settings.bcrypt_cost, self.nobody, self.world.verify)


def build(settings: Settings, clients: Clients, world: World) -> Services:
    """Build everything for one stage."""
    parts = _parts(settings, clients, world)
    config, refresh_tokens = parts.config, parts.refresh_tokens
    grants = {grant.grant_type: grant for grant in _grants(parts)}
    sessions = SessionStore(clients.dynamodb, parts.sessions_table)
    authenticator = ClientAuthenticator(config, sessions, world.clock)
    verifier = AccessTokenVerifier(config, world.clock)
    issuer = Issuer(kms_jws(Kms(clients.kms)), clients.dynamodb, refresh_tokens, config.keys, world.clock, world.new_id)
    return Services(
        issuer=settings.issuer,
        token=TokenFlow(authenticator, grants, AccessRules(config), _rules(parts), issuer),
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
    return _Parts(settings, clients, world, config, users_of, sessions_table, refresh_tokens, nobody)


def _rules(parts: _Parts) -> Rules:
    config, clock = parts.config, parts.world.clock

    def keep(realm: str, user: User, changed: dict[str, Metadata]) -> None:
        users = parts.users_of(realm)
        if users:
            users.keep_metadata(user, changed, int(clock()))

    return Rules(
        rules=load(parts.settings.rule_packages),
        budget_s=parts.settings.rule_budget_s,
        tenant=lambda: config.tenant().friendly_name,
        configuration=RuleSettings(config, parts.vault, clock).read,
        keep=keep,
    )


def _grants(parts: _Parts) -> tuple[Grant, ...]:
    """Return every grant: a new one is one file and one line here."""
    clients, world = parts.clients, parts.world
    attempts = AttemptStore(clients.dynamodb, f"gatehouse-{parts.settings.stage}-attempts")
    password = partial(
        PasswordGrant,
        config=parts.config,
        directory_of=parts.directory_of,
        guard=AccountGuard(attempts, world.clock, world.pause),
        commit=partial(commit, clients.dynamodb),
        clock=world.clock,
    )
    return (
        password(PASSWORD, ("username", "password"), default_directory),
        password(PASSWORD_REALM, ("username", "password", "realm"), requested_realm),
        RefreshTokenGrant(parts.refresh_tokens, parts.config),
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
