"""The parts that several services share."""

from dataclasses import dataclass
from functools import partial

from chalicelib.accounts.outgoing import MailQueue
from chalicelib.clients import ClientAuthenticator
from chalicelib.directories.finder import UserFinder
from chalicelib.flows.mailer import Mailer
from chalicelib.mfa.session import MfaSessions
from chalicelib.model.clock import Clock
from chalicelib.model.tenant import SuspiciousIpThrottling
from chalicelib.protection.account import AccountGuard
from chalicelib.protection.address import AddressGuard
from chalicelib.protection.calls import CallGuard
from chalicelib.protection.client import ClientGuard
from chalicelib.protection.closed import ClosedNames
from chalicelib.protection.looks import Looks, Trickle
from chalicelib.protection.mails import MailGuard
from chalicelib.settings import Settings
from chalicelib.store.aws.calls import Aws
from chalicelib.store.aws.messages import Messages
from chalicelib.store.aws.parallel import Parallel
from chalicelib.store.buckets import CLIENTS, LOGINS, BucketStore
from chalicelib.store.code_attempts import AllowanceStore
from chalicelib.store.families import FamilyStore
from chalicelib.store.outgoing import OutgoingStore
from chalicelib.store.sessions import UsedNames
from chalicelib.tokens.refresh import RefreshTokens
from chalicelib.tokens.verifier import AccessTokenVerifier
from chalicelib.wiring.externals import Externals
from chalicelib.wiring.stores import Stores


@dataclass(slots=True, eq=False, repr=False)
class Parts:
    """The parts that several services share."""

    parallel: Parallel
    verifier: AccessTokenVerifier
    user_finder: UserFinder
    refresh_tokens: RefreshTokens
    authenticator: ClientAuthenticator
    guard: AccountGuard
    messages: Messages
    mailer: Mailer
    mails: MailQueue
    calls: CallGuard
    mfa_sessions: MfaSessions


def make_parts(settings: Settings, aws: Aws, externals: Externals, stores: Stores) -> Parts:
    """Return the parts that several services share."""
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
    looks = Looks(clock)
    addresses = AddressGuard(parallel, BucketStore(dynamo, attempts, LOGINS), throttling, clock, looks)
    # No sender is set up, so no notice is stored.
    on_block = stores.notices.note if settings.email_from else lambda *_: None
    closed = ClosedNames(dynamo, clock, looks, Trickle(clock, externals.choose))
    guard = AccountGuard(dynamo, parallel, stores.attempts, addresses, closed, on_block, clock, externals.pause)
    messages = Messages(aws, settings.email_from)
    mailer = Mailer(settings.mail_templates, config.tenant, messages)
    mails = _mail_queue(stores, clock, has_sender=bool(settings.email_from))
    calls = CallGuard(AllowanceStore(dynamo, attempts), dynamo.commit, throttling, clock)
    verify, find = verifier.verify, user_finder.find
    directory_of, enrolments_of = stores.directory_of, stores.enrolments_of
    mfa = MfaSessions(
        dynamo, config, stores.pending, revocations, addresses, directory_of, enrolments_of, verify, find, clock
    )
    return Parts(
        parallel, verifier, user_finder, refresh_tokens, authenticator, guard, messages, mailer, mails, calls, mfa
    )


def _mail_queue(stores: Stores, clock: Clock, has_sender: bool) -> MailQueue:
    dynamo, attempts = stores.dynamo, stores.attempts_table
    guard = MailGuard(AllowanceStore(dynamo, attempts), dynamo.commit, stores.key.mac, clock)
    return MailQueue(OutgoingStore(dynamo, attempts), guard, clock, has_sender)
