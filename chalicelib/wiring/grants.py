"""Every grant and every second factor of a stage."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from chalicelib.flows.token import Grant
from chalicelib.grants.client_credentials import ClientCredentialsGrant
from chalicelib.grants.mfa import MfaGrant
from chalicelib.grants.password import PasswordGrant, default_directory, requested_realm
from chalicelib.grants.refresh_token import RefreshTokenGrant
from chalicelib.legacy.migration import LazyMigration
from chalicelib.mfa.factor import EnrollableFactor, Factor
from chalicelib.mfa.limits import Limits
from chalicelib.mfa.oob import Oob
from chalicelib.mfa.otp import Otp
from chalicelib.model.enrolment import EMAIL
from chalicelib.model.request import Request
from chalicelib.model.tenant import PASSWORD, PASSWORD_REALM
from chalicelib.scopes import parse, with_auth0_defaults
from chalicelib.store.code_attempts import AllowanceStore, WrongCodeStore
from chalicelib.store.configuration.config import ConfigStore
from chalicelib.tokens.claims import shows_profile
from chalicelib.wiring.externals import Externals
from chalicelib.wiring.parts import Parts
from chalicelib.wiring.stores import Stores


def make_factors(externals: Externals, stores: Stores, parts: Parts, limits: Limits) -> tuple[EnrollableFactor, ...]:
    """Return every second factor that users enrol: a new one is one file and one line here."""
    enrolments_of, clock = stores.enrolments_of, externals.clock
    return (
        Otp(stores.vault, limits, enrolments_of, clock),
        Oob(parts.messages, stores.pending, limits, enrolments_of, clock),
    )


def make_limits(externals: Externals, stores: Stores) -> Limits:
    """Return the limits of second factors."""
    dynamo, table = stores.dynamo, stores.attempts_table
    allowances, wrong_codes = AllowanceStore(dynamo, table), WrongCodeStore(dynamo, table)
    return Limits(allowances, wrong_codes, dynamo.commit, stores.key.mac, stores.wrong_codes.note, externals.clock)


@dataclass(frozen=True, slots=True)
class TeamCode:
    """The parts of logins that run a team's code. has_rules: whether rules run."""

    has_rules: bool
    migration: LazyMigration


def make_profile_need(config: ConfigStore, has_rules: bool) -> Callable[[Request], bool]:
    """Return the function that says if a request's login needs the user's profile, beside the credentials.

    Rules see it, the ID token shows parts of it for some scopes, and a verified email in it is a second factor.
    """

    def needs_profile(request: Request) -> bool:
        tenant, named = config.tenant(), parse(request.params.get("scope", ""))
        shown = with_auth0_defaults(named) if tenant.has_auth0_scopes else named
        return has_rules or EMAIL in tenant.mfa.factors or shows_profile(shown)

    return needs_profile


def make_grants(
    externals: Externals, stores: Stores, parts: Parts, factors: Iterable[Factor], team: TeamCode
) -> tuple[Grant, ...]:
    """Return every grant: a new one is one file and one line here."""
    needs_profile = make_profile_need(stores.config, team.has_rules)
    password = partial(
        PasswordGrant,
        dynamo=stores.dynamo,
        config=stores.config,
        directory_of=stores.directory_of,
        guard=parts.guard,
        revocations=stores.revocations,
        range_api=externals.range_api,
        needs_profile=needs_profile,
        ask_verification=parts.mails.ask_verification,
        mac=stores.key.mac,
        migration=team.migration,
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
        RefreshTokenGrant(parts.refresh_tokens, stores.config, needs_profile),
        ClientCredentialsGrant(),
        *(mfa(factor) for factor in factors),
    )
