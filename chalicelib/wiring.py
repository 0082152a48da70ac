"""The composition root: builds the parts once per process, and is the one place that names them all."""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial

from chalicelib.clients import ClientAuthenticator
from chalicelib.directories.dynamodb import DynamoDirectory
from chalicelib.directories.finder import PersonFinder
from chalicelib.flows.access import AccessPolicy
from chalicelib.flows.discovery import Discovery
from chalicelib.flows.health import Health
from chalicelib.flows.introspection import IntrospectionFlow
from chalicelib.flows.mfa import MfaFlow
from chalicelib.flows.notices import NoticeFlow
from chalicelib.flows.revocation import RevocationFlow
from chalicelib.flows.token import Grant, TokenFlow
from chalicelib.flows.userinfo import UserinfoFlow
from chalicelib.grants.client_credentials import ClientCredentialsGrant
from chalicelib.grants.mfa import MfaGrant
from chalicelib.grants.password import PasswordGrant, default_directory, requested_realm
from chalicelib.grants.refresh_token import RefreshTokenGrant
from chalicelib.http.routes import Services
from chalicelib.http.wire import RequestReader
from chalicelib.mfa.case import Cases
from chalicelib.mfa.demand import SecondFactor
from chalicelib.mfa.factor import EnrollableFactor, Factor
from chalicelib.mfa.limits import Limits
from chalicelib.mfa.oob import Oob
from chalicelib.mfa.otp import Otp
from chalicelib.mfa.recovery import RecoveryCode
from chalicelib.model.directory import Directory
from chalicelib.model.tenant import (
    PASSWORD,
    PASSWORD_REALM,
    Realm,
    SuspiciousIpThrottling,
)
from chalicelib.model.user import User
from chalicelib.passwords.hash import dummy_hash, verify
from chalicelib.passwords.range_api import is_pwned
from chalicelib.protection.account import AccountGuard
from chalicelib.protection.address import AddressGuard
from chalicelib.protection.client import ClientGuard
from chalicelib.rules.loading import load
from chalicelib.rules.runner import Rules
from chalicelib.rules.values import Metadata
from chalicelib.settings import Settings
from chalicelib.store.attempts import AttemptStore, TotalStore
from chalicelib.store.aws import Aws, connect, lambda_session
from chalicelib.store.buckets import CLIENTS, LOGINS, BucketStore
from chalicelib.store.config import ConfigStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.enrolments import EnrolmentStore
from chalicelib.store.families import FamilyStore
from chalicelib.store.kms import Kms
from chalicelib.store.messages import Messages
from chalicelib.store.notices import DAY_S, WRONG_CODES, NoticeStore
from chalicelib.store.parallel import Parallel
from chalicelib.store.revocations import RevocationStore
from chalicelib.store.sessions import PendingStore, UsedNames
from chalicelib.store.tries import TryStore, WrongCodeStore
from chalicelib.store.users import UserStore
from chalicelib.store.vault import RuleSettings, StageKey, Vault, data_key_alias
from chalicelib.tokens.issuer import Issuer
from chalicelib.tokens.jws import kms_jws
from chalicelib.tokens.refresh import RefreshTokens
from chalicelib.tokens.verifier import AccessTokenVerifier


@dataclass(frozen=True, slots=True)
class World:
    """What the process stands in, beside AWS.

    clock: epoch seconds. pause: sleeps for so many seconds. new_id: a fresh jti. verify: holds a password against its
    stored form. range_api: whether Pwned Passwords knows a password. directories: makes the backends of realms that
    have another one than DynamoDB, by the realms' names.
    """

    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    new_id: Callable[[], str] = secrets.token_urlsafe
    verify: Callable[[str, str], bool] = verify
    range_api: Callable[[str], bool] = is_pwned
    directories: Mapping[str, Callable[[Realm], Directory]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What several of the services stand on, for one stage."""

    settings: Settings
    aws: Aws
    parallel: Parallel
    world: World
    config: ConfigStore
    directory_of: Callable[[Realm], Directory]
    directory_named: Callable[[str], Directory | None]
    stage_key: StageKey
    sessions_table: str
    attempts_table: str
    refresh_tokens: RefreshTokens

    @property
    def dynamo(self) -> Dynamo:
        """What reads of several tables at once."""
        return Dynamo(self.aws)

    @property
    def vault(self) -> Vault:
        """What seals secrets at rest."""
        return _vault(self.settings, self.aws)

    @property
    def pending(self) -> PendingStore:
        """The logins that wait for a second factor."""
        return PendingStore(self.dynamo, self.sessions_table)

    @property
    def revocations(self) -> RevocationStore:
        """The counts of what ended at large."""
        return RevocationStore(self.dynamo, self.sessions_table)

    @property
    def guard(self) -> AccountGuard:
        """What stops guessing at accounts."""
        dynamo, table, world = self.dynamo, self.attempts_table, self.world
        attempts, totals = AttemptStore(dynamo, table), TotalStore(dynamo, table)
        # Nobody writes down what nobody will be told.
        on_block = NoticeStore(dynamo, table).note if self.settings.email_from else lambda *_: None
        return AccountGuard(
            dynamo, self.parallel, attempts, totals, self.addresses(), on_block, world.clock, world.pause
        )

    @property
    def messages(self) -> Messages:
        """What reaches people."""
        return Messages(self.aws, self.settings.email_from)

    @property
    def cases(self) -> Cases:
        """Who waits for a second factor."""
        verify = AccessTokenVerifier(self.config, self.world.clock).verify
        people = PersonFinder(self.dynamo, self.config, self.revocations, self.directory_of)
        return Cases(
            self.dynamo,
            self.config,
            self.pending,
            self.revocations,
            self.addresses(),
            self.directory_of,
            self.enrolments_of,
            verify,
            people.find,
            self.world.clock,
        )

    def enrolments_of(self, realm: Realm) -> EnrolmentStore:
        return EnrolmentStore(self.dynamo, realm.users_table)

    def throttling(self) -> SuspiciousIpThrottling:
        return self.config.tenant().suspicious_ip_throttling

    def buckets(self, kind: str) -> BucketStore:
        return BucketStore(self.dynamo, self.attempts_table, kind)

    def addresses(self) -> AddressGuard:
        return AddressGuard(self.parallel, self.buckets(LOGINS), self.throttling, self.world.clock)


def build(settings: Settings, aws: Aws, world: World) -> Services:
    """Build everything for one stage."""
    parts = _parts(settings, aws, world)
    config, refresh_tokens = parts.config, parts.refresh_tokens
    limits = _limits(parts)
    factors, recovery_code = _factors(parts, limits), RecoveryCode(limits, parts.enrolments_of)
    grants = {grant.grant_type: grant for grant in _grants(parts, (*factors, recovery_code))}
    used_names = UsedNames(parts.dynamo, parts.sessions_table)
    client_guard = ClientGuard(parts.buckets(CLIENTS), parts.throttling, world.clock)
    authenticator = ClientAuthenticator(config, used_names, client_guard, world.clock)
    verifier = AccessTokenVerifier(config, world.clock)
    people = PersonFinder(parts.dynamo, config, parts.revocations, parts.directory_of)
    second_factor = SecondFactor(config.tenant, parts.pending, world.clock)
    jws = kms_jws(Kms(aws))
    issuer = Issuer(jws, parts.dynamo, parts.parallel, refresh_tokens, config.keys, world.clock, world.new_id)
    flows = (
        RequestReader(settings.issuer, settings.trusted_proxies),
        TokenFlow(authenticator, grants, AccessPolicy(config), _rules(parts), second_factor, issuer),
        RevocationFlow(authenticator, refresh_tokens, verifier),
        IntrospectionFlow(authenticator, refresh_tokens, verifier, config, people),
        UserinfoFlow(verifier, people),
        MfaFlow(
            authenticator, parts.cases, {kind: factor for factor in factors for kind in factor.kinds}, recovery_code
        ),
        _notices(parts),
        Discovery(config, tuple(grants)),
        Health(aws.outcomes),
    )
    return Services({type(flow): flow for flow in flows})


def _parts(settings: Settings, aws: Aws, world: World) -> _Parts:
    prefix = f"gatehouse-{settings.stage}-"
    dynamo = Dynamo(aws)
    config = ConfigStore(dynamo, f"{prefix}config", world.clock)

    def directory_named(name: str) -> Directory | None:
        realm = config.realm(name)
        return directory_of(realm) if realm else None

    directory_of = _directories(settings, dynamo, world)
    sessions_table = f"{prefix}sessions"
    stage_key = StageKey(config, _vault(settings, aws))
    refresh_tokens = RefreshTokens(
        dynamo,
        FamilyStore(dynamo, sessions_table),
        RevocationStore(dynamo, sessions_table),
        world.clock,
        directory_named,
        partial(stage_key.mac, "refresh token"),
    )
    return _Parts(
        settings,
        aws,
        Parallel(),
        world,
        config,
        directory_of,
        directory_named,
        stage_key=stage_key,
        sessions_table=sessions_table,
        attempts_table=f"{prefix}attempts",
        refresh_tokens=refresh_tokens,
    )


def _directories(settings: Settings, dynamo: Dynamo, world: World) -> Callable[[Realm], Directory]:
    """Return what makes a realm's backend: a new kind of one is one file and one line here."""
    nobody = dummy_hash(settings.bcrypt_cost)

    def directory_of(realm: Realm) -> Directory:
        if realm.name in world.directories:
            return world.directories[realm.name](realm)
        return DynamoDirectory(realm, UserStore(dynamo, realm.users_table), settings.bcrypt_cost, nobody, world.verify)

    return directory_of


def _vault(settings: Settings, aws: Aws) -> Vault:
    return Vault(aws, data_key_alias(settings.stage))


def _rules(parts: _Parts) -> Rules:
    config, clock = parts.config, parts.world.clock

    def keep(realm: str, user: User, changed: dict[str, Metadata]) -> None:
        directory = parts.directory_named(realm)
        if directory:
            directory.keep_metadata(user, changed, int(clock()))

    return Rules(
        rules=load(parts.settings.rule_packages),
        budget_s=parts.settings.rule_budget_s,
        tenant=lambda: config.tenant().friendly_name,
        configuration=RuleSettings(config, parts.vault, clock).read,
        keep=keep,
    )


def _notices(parts: _Parts) -> NoticeFlow:
    dynamo, table = parts.dynamo, parts.attempts_table
    return NoticeFlow(
        issuer=parts.settings.issuer,
        friendly_name=lambda: parts.config.tenant().friendly_name,
        notices=NoticeStore(dynamo, table),
        attempts=AttemptStore(dynamo, table),
        tickets=parts.pending,
        dynamo=dynamo,
        directory_named=parts.directory_named,
        messages=parts.messages,
        clock=parts.world.clock,
    )


def _factors(parts: _Parts, limits: Limits) -> tuple[EnrollableFactor, ...]:
    """Return every second factor that a user enrols: a new one is one file and one line here."""
    enrolments_of, clock = parts.enrolments_of, parts.world.clock
    return (
        Otp(parts.vault, limits, enrolments_of, clock),
        Oob(parts.messages, parts.pending, limits, enrolments_of, clock),
    )


def _limits(parts: _Parts) -> Limits:
    dynamo, table = parts.dynamo, parts.attempts_table
    return Limits(
        TryStore(dynamo, table),
        WrongCodeStore(dynamo, table),
        commit=dynamo.commit,
        mac=parts.stage_key.mac,
        on_wrong=NoticeStore(dynamo, table, WRONG_CODES, DAY_S).note,
        clock=parts.world.clock,
    )


def _grants(parts: _Parts, factors: Iterable[Factor]) -> tuple[Grant, ...]:
    """Return every grant: a new one is one file and one line here."""
    password = partial(
        PasswordGrant,
        dynamo=parts.dynamo,
        config=parts.config,
        directory_of=parts.directory_of,
        guard=parts.guard,
        revocations=parts.revocations,
        range_api=parts.world.range_api,
        mac=parts.stage_key.mac,
        commit=parts.dynamo.commit,
        clock=parts.world.clock,
    )
    mfa = partial(
        MfaGrant,
        cases=parts.cases,
        pending=parts.pending,
        directory_of=parts.directory_of,
        guard=parts.guard,
        commit=parts.dynamo.commit,
        clock=parts.world.clock,
    )
    return (
        password(PASSWORD, ("username", "password"), default_directory),
        password(PASSWORD_REALM, ("username", "password", "realm"), requested_realm),
        RefreshTokenGrant(parts.refresh_tokens, parts.config),
        ClientCredentialsGrant(),
        *(mfa(factor) for factor in factors),
    )


@cache
def services() -> Services:
    """Return this process's services, from its environment; built at the first call."""
    return build(Settings.from_environ(), connect(lambda_session()), World())
