"""The composition root: builds each part once per process. No other module names them all."""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial

from chalicelib.clients import ClientAuthenticator
from chalicelib.directories.dynamodb import DynamoDirectory
from chalicelib.directories.finder import UserFinder
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
from chalicelib.http.log import report_botocore
from chalicelib.http.routes import Services
from chalicelib.http.wire import RequestReader
from chalicelib.mfa.demand import SecondFactor
from chalicelib.mfa.factor import EnrollableFactor, Factor
from chalicelib.mfa.limits import Limits
from chalicelib.mfa.oob import Oob
from chalicelib.mfa.otp import Otp
from chalicelib.mfa.recovery import RecoveryCode
from chalicelib.mfa.session import MfaSessions
from chalicelib.model.clock import Clock, SystemClock
from chalicelib.model.directory import Directory
from chalicelib.model.tenant import PASSWORD, PASSWORD_REALM, Realm, SuspiciousIpThrottling
from chalicelib.model.user import User
from chalicelib.passwords.hash import dummy_hash, verify
from chalicelib.passwords.range_api import is_pwned
from chalicelib.protection.account import AccountGuard
from chalicelib.protection.address import AddressGuard
from chalicelib.protection.client import ClientGuard
from chalicelib.rules.loading import load
from chalicelib.rules.runner import Rules
from chalicelib.rules.values import Metadata
from chalicelib.settings import Settings, environment
from chalicelib.store.attempts import AttemptStore, FailureStore
from chalicelib.store.aws.calls import Aws
from chalicelib.store.aws.connections import connect
from chalicelib.store.aws.kms import Kms
from chalicelib.store.aws.messages import Messages
from chalicelib.store.aws.parallel import Parallel
from chalicelib.store.buckets import CLIENTS, LOGINS, BucketStore
from chalicelib.store.code_attempts import AllowanceStore, WrongCodeStore
from chalicelib.store.config import ConfigStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.enrolments import EnrolmentStore
from chalicelib.store.families import FamilyStore
from chalicelib.store.notices import DAY_S, WRONG_CODES, NoticeStore
from chalicelib.store.revocations import RevocationStore
from chalicelib.store.sessions import PendingStore, UsedNames
from chalicelib.store.users import UserStore
from chalicelib.store.vault import RuleSettings, StageKey, Vault, data_key_alias
from chalicelib.tokens.issuer import Issuer
from chalicelib.tokens.refresh import RefreshTokens
from chalicelib.tokens.verifier import AccessTokenVerifier


@dataclass(slots=True, eq=False, repr=False)
class Externals:
    """The parts of the process that come from outside, except AWS. Tests replace them.

    pause: sleeps for that many seconds. new_id: returns a fresh jti. verify: checks a password against its stored form.
    range_api: asks Pwned Passwords about a password. directories: by realm, makes a backend other than DynamoDB.
    """

    clock: Clock = field(default_factory=SystemClock)
    pause: Callable[[float], None] = time.sleep
    new_id: Callable[[], str] = secrets.token_urlsafe
    verify: Callable[[str, str], bool] = verify
    range_api: Callable[[str], bool] = is_pwned
    directories: Mapping[str, Callable[[Realm], Directory]] = field(default_factory=dict)


@dataclass(slots=True, eq=False, repr=False)
class _Stores:
    """The stores that several parts share. directory_of, enrolments_of: a realm's. directory_named: of its name."""

    dynamo: Dynamo
    config: ConfigStore
    vault: Vault
    key: StageKey
    pending: PendingStore
    revocations: RevocationStore
    attempts: AttemptStore
    notices: NoticeStore
    sessions_table: str
    attempts_table: str
    directory_of: Callable[[Realm], Directory]
    directory_named: Callable[[str], Directory | None]
    enrolments_of: Callable[[Realm], EnrolmentStore]


@dataclass(slots=True, eq=False, repr=False)
class _Parts:
    """The parts that several services share."""

    parallel: Parallel
    verifier: AccessTokenVerifier
    user_finder: UserFinder
    refresh_tokens: RefreshTokens
    authenticator: ClientAuthenticator
    guard: AccountGuard
    messages: Messages
    mfa_sessions: MfaSessions


def build(settings: Settings, aws: Aws, externals: Externals) -> Services:
    """Return the services of one stage."""
    stores = _stores(settings, aws, externals)
    parts = _parts(settings, aws, externals, stores)
    limits = _limits(externals, stores)
    factors, recovery_code = _factors(externals, stores, parts, limits), RecoveryCode(limits, stores.enrolments_of)
    grants = {grant.grant_type: grant for grant in _grants(externals, stores, parts, (*factors, recovery_code))}
    factor_of = {kind: factor for factor in factors for kind in factor.kinds}
    config, clock, authenticator = stores.config, externals.clock, parts.authenticator
    refresh_tokens, verifier = parts.refresh_tokens, parts.verifier
    second_factor = SecondFactor(config.tenant, stores.pending, clock)
    issuer = Issuer(Kms(aws).sign, stores.dynamo, parts.parallel, refresh_tokens, config.keys, clock, externals.new_id)
    rules = _rules(settings, externals, stores)
    # The services of the routes: a new one is one file and one line here.
    services = (
        RequestReader(settings.issuer, settings.trusted_proxies),
        TokenFlow(authenticator, grants, AccessPolicy(config), rules, second_factor, issuer),
        RevocationFlow(authenticator, refresh_tokens, verifier),
        IntrospectionFlow(authenticator, refresh_tokens, verifier, config, parts.user_finder),
        UserinfoFlow(verifier, parts.user_finder),
        MfaFlow(authenticator, parts.mfa_sessions, factor_of, recovery_code),
        _notices(settings, externals, stores, parts.messages),
        Discovery(config, tuple(grants)),
        Health(aws.outcomes),
    )
    return Services({type(service): service for service in services})


def _stores(settings: Settings, aws: Aws, externals: Externals) -> _Stores:
    prefix, dynamo = f"gatehouse-{settings.stage}-", Dynamo(aws)
    sessions_table, attempts_table = f"{prefix}sessions", f"{prefix}attempts"
    config = ConfigStore(dynamo, f"{prefix}config", externals.clock)
    vault = Vault(aws, data_key_alias(settings.stage))
    directory_of = _directories(settings, dynamo, externals)

    def directory_named(name: str) -> Directory | None:
        realm = config.realm(name)
        return directory_of(realm) if realm else None

    return _Stores(
        dynamo=dynamo,
        config=config,
        vault=vault,
        key=StageKey(config, vault),
        pending=PendingStore(dynamo, sessions_table),
        revocations=RevocationStore(dynamo, sessions_table),
        attempts=AttemptStore(dynamo, attempts_table),
        notices=NoticeStore(dynamo, attempts_table),
        sessions_table=sessions_table,
        attempts_table=attempts_table,
        directory_of=directory_of,
        directory_named=directory_named,
        enrolments_of=lambda realm: EnrolmentStore(dynamo, realm.users_table),
    )


def _parts(settings: Settings, aws: Aws, externals: Externals, stores: _Stores) -> _Parts:
    dynamo, sessions, attempts = stores.dynamo, stores.sessions_table, stores.attempts_table
    config, revocations, clock, parallel = stores.config, stores.revocations, externals.clock, Parallel()

    def throttling() -> SuspiciousIpThrottling:
        return config.tenant().suspicious_ip_throttling

    verifier = AccessTokenVerifier(config, clock)
    user_finder = UserFinder(dynamo, config, revocations, stores.directory_of)
    mac, families = partial(stores.key.mac, "refresh token"), FamilyStore(dynamo, sessions)
    refresh_tokens = RefreshTokens(dynamo, families, revocations, clock, stores.directory_named, mac)
    client_guard = ClientGuard(BucketStore(dynamo, attempts, CLIENTS), throttling, clock)
    authenticator = ClientAuthenticator(config, UsedNames(dynamo, sessions), client_guard, clock)
    addresses = AddressGuard(parallel, BucketStore(dynamo, attempts, LOGINS), throttling, clock)
    # No sender is set up, so no notice is stored.
    on_block = stores.notices.note if settings.email_from else lambda *_: None
    totals = FailureStore(dynamo, attempts)
    guard = AccountGuard(dynamo, parallel, stores.attempts, totals, addresses, on_block, clock, externals.pause)
    messages = Messages(aws, settings.email_from)
    verify, find = verifier.verify, user_finder.find
    directory_of, enrolments_of = stores.directory_of, stores.enrolments_of
    mfa_sessions = MfaSessions(
        dynamo, config, stores.pending, revocations, addresses, directory_of, enrolments_of, verify, find, clock
    )
    return _Parts(parallel, verifier, user_finder, refresh_tokens, authenticator, guard, messages, mfa_sessions)


def _directories(settings: Settings, dynamo: Dynamo, externals: Externals) -> Callable[[Realm], Directory]:
    """Return the function that makes a realm's backend: a new kind of backend is one file and one line here."""
    dummy = dummy_hash(settings.bcrypt_cost)

    def directory_of(realm: Realm) -> Directory:
        if realm.name in externals.directories:
            return externals.directories[realm.name](realm)
        return DynamoDirectory(
            realm, UserStore(dynamo, realm.users_table), settings.bcrypt_cost, dummy, externals.verify
        )

    return directory_of


def _rules(settings: Settings, externals: Externals, stores: _Stores) -> Rules:
    config, clock = stores.config, externals.clock

    def keep(realm: str, user: User, changed: dict[str, Metadata]) -> None:
        directory = stores.directory_named(realm)
        if directory:
            directory.keep_metadata(user, changed, clock.now_s())

    return Rules(
        rules=load(settings.rule_packages),
        budget_s=settings.rule_budget_s,
        tenant=lambda: config.tenant().friendly_name,
        configuration=RuleSettings(config, stores.vault, clock).read,
        keep=keep,
    )


def _notices(settings: Settings, externals: Externals, stores: _Stores, messages: Messages) -> NoticeFlow:
    return NoticeFlow(
        issuer=settings.issuer,
        friendly_name=lambda: stores.config.tenant().friendly_name,
        notices=stores.notices,
        attempts=stores.attempts,
        tickets=stores.pending,
        dynamo=stores.dynamo,
        directory_named=stores.directory_named,
        messages=messages,
        clock=externals.clock,
    )


def _factors(externals: Externals, stores: _Stores, parts: _Parts, limits: Limits) -> tuple[EnrollableFactor, ...]:
    """Return every second factor that users enrol: a new one is one file and one line here."""
    enrolments_of, clock = stores.enrolments_of, externals.clock
    return (
        Otp(stores.vault, limits, enrolments_of, clock),
        Oob(parts.messages, stores.pending, limits, enrolments_of, clock),
    )


def _limits(externals: Externals, stores: _Stores) -> Limits:
    dynamo, table = stores.dynamo, stores.attempts_table
    on_wrong = NoticeStore(dynamo, table, WRONG_CODES, DAY_S).note
    allowances, wrong_codes = AllowanceStore(dynamo, table), WrongCodeStore(dynamo, table)
    return Limits(allowances, wrong_codes, dynamo.commit, stores.key.mac, on_wrong, externals.clock)


def _grants(externals: Externals, stores: _Stores, parts: _Parts, factors: Iterable[Factor]) -> tuple[Grant, ...]:
    """Return every grant: a new one is one file and one line here."""
    password = partial(
        PasswordGrant,
        dynamo=stores.dynamo,
        config=stores.config,
        directory_of=stores.directory_of,
        guard=parts.guard,
        revocations=stores.revocations,
        range_api=externals.range_api,
        mac=stores.key.mac,
        commit=stores.dynamo.commit,
        clock=externals.clock,
    )
    mfa = partial(
        MfaGrant,
        sessions=parts.mfa_sessions,
        pending=stores.pending,
        directory_of=stores.directory_of,
        guard=parts.guard,
        commit=stores.dynamo.commit,
        clock=externals.clock,
    )
    return (
        password(PASSWORD, ("username", "password"), default_directory),
        password(PASSWORD_REALM, ("username", "password", "realm"), requested_realm),
        RefreshTokenGrant(parts.refresh_tokens, stores.config),
        ClientCredentialsGrant(),
        *(mfa(factor) for factor in factors),
    )


@cache
def services() -> Services:
    """Return this process's services, from its environment; built at the first call."""
    return build(Settings.from_environ(), connect(environment(), report_botocore), Externals())
