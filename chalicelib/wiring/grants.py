"""Every grant and every second factor of a stage."""

from collections.abc import Iterable
from functools import partial

from chalicelib.flows.token import Grant
from chalicelib.grants.client_credentials import ClientCredentialsGrant
from chalicelib.grants.mfa import MfaGrant
from chalicelib.grants.password import PasswordGrant, default_directory, requested_realm
from chalicelib.grants.refresh_token import RefreshTokenGrant
from chalicelib.mfa.factor import EnrollableFactor, Factor
from chalicelib.mfa.limits import Limits
from chalicelib.mfa.oob import Oob
from chalicelib.mfa.otp import Otp
from chalicelib.model.tenant import PASSWORD, PASSWORD_REALM
from chalicelib.store.code_attempts import AllowanceStore, WrongCodeStore
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


def make_grants(externals: Externals, stores: Stores, parts: Parts, factors: Iterable[Factor]) -> tuple[Grant, ...]:
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
