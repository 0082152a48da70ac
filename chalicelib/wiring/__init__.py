"""The composition root: builds each part once per process. No other room names them all."""

from functools import cache

from chalicelib.flows.access import AccessPolicy
from chalicelib.flows.discovery import Discovery
from chalicelib.flows.health import Health
from chalicelib.flows.introspection import IntrospectionFlow
from chalicelib.flows.mfa import MfaFlow
from chalicelib.flows.notices import NoticeFlow
from chalicelib.flows.revocation import RevocationFlow
from chalicelib.flows.token import TokenFlow
from chalicelib.flows.userinfo import UserinfoFlow
from chalicelib.http.log import report_botocore
from chalicelib.http.routes import Services
from chalicelib.http.wire import RequestReader
from chalicelib.mfa.demand import SecondFactor
from chalicelib.mfa.recovery import RecoveryCode
from chalicelib.model.user import User
from chalicelib.rules.loading import load
from chalicelib.rules.runner import Rules
from chalicelib.rules.values import Metadata
from chalicelib.settings import Settings, environment
from chalicelib.store.aws.calls import Aws
from chalicelib.store.aws.connections import connect
from chalicelib.store.aws.kms import Kms
from chalicelib.store.configuration.rule_settings import RuleSettings
from chalicelib.tokens.issuer import Issuer
from chalicelib.tokens.signer import TokenSigner
from chalicelib.wiring.accounts import make_account_services
from chalicelib.wiring.externals import Externals
from chalicelib.wiring.grants import TeamCode, make_factors, make_grants, make_limits
from chalicelib.wiring.legacy import make_migration
from chalicelib.wiring.parts import Parts, make_parts
from chalicelib.wiring.stores import Stores, make_stores

__all__ = ["Externals", "build", "services"]


def build(settings: Settings, aws: Aws, externals: Externals) -> Services:
    """Return the services of one stage."""
    stores = make_stores(settings, aws, externals)
    parts = make_parts(settings, aws, externals, stores)
    limits = make_limits(externals, stores)
    factors, recovery_code = make_factors(externals, stores, parts, limits), RecoveryCode(limits, stores.enrolments_of)
    rules = _rules(settings, externals, stores)
    migration = make_migration(settings, externals, stores, rules.configuration)
    team = TeamCode(has_rules=bool(rules.rules), migration=migration)
    made = make_grants(externals, stores, parts, (*factors, recovery_code), team)
    grants = {grant.grant_type: grant for grant in made}
    factor_of = {kind: factor for factor in factors for kind in factor.kinds}
    config, clock, authenticator = stores.config, externals.clock, parts.authenticator
    refresh_tokens, verifier = parts.refresh_tokens, parts.verifier
    second_factor = SecondFactor(config.tenant, stores.pending, clock)
    signer = TokenSigner(Kms(aws), config.forget_keys)
    issuer = Issuer(signer.sign, stores.dynamo, parts.parallel, refresh_tokens, config.keys, clock, externals.new_id)
    # The services of the routes: a new one is one file and one line here.
    services = (
        RequestReader(settings.issuer, settings.trusted_proxies),
        TokenFlow(authenticator, grants, AccessPolicy(config), rules, second_factor, issuer),
        RevocationFlow(authenticator, refresh_tokens, verifier),
        IntrospectionFlow(authenticator, refresh_tokens, verifier, config, parts.user_finder),
        UserinfoFlow(verifier, parts.user_finder),
        MfaFlow(authenticator, parts.mfa_sessions, factor_of, recovery_code),
        *make_account_services(settings, externals, stores, parts),
        _notices(settings, externals, stores, parts),
        Discovery(config, tuple(grants)),
        Health(aws.outcomes),
    )
    return Services({type(service): service for service in services})


def _rules(settings: Settings, externals: Externals, stores: Stores) -> Rules:
    config, clock = stores.config, externals.clock

    def keep(realm: str, user: User, changed: dict[str, Metadata]) -> None:
        directory = stores.directory_named(realm)
        if directory:
            directory.keep_metadata(user, changed, clock.now_s())

    return Rules(
        rules=load(settings.rule_packages),
        budget_s=settings.rule_budget_s,
        tenant=lambda: config.tenant().friendly_name,
        configuration=RuleSettings(config, stores.vault, clock, choose=externals.choose).read,
        keep=keep,
    )


def _notices(settings: Settings, externals: Externals, stores: Stores, parts: Parts) -> NoticeFlow:
    return NoticeFlow(
        issuer=settings.issuer,
        blocks=stores.notices,
        wrong_codes=stores.wrong_codes,
        attempts=stores.attempts,
        tickets=stores.pending,
        dynamo=stores.dynamo,
        directory_named=stores.directory_named,
        mailer=parts.mailer,
        guard=parts.calls,
        clock=externals.clock,
    )


@cache
def services() -> Services:
    """Return this process's services, from its environment; built at the first call."""
    return build(Settings.from_environ(), connect(environment(), report_botocore), Externals())
