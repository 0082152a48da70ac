"""The composition root of the Management API, which is a function of its own. No login imports it."""

from functools import cache

from chalicelib.accounts.authorization import Authorizations, RoleCatalog
from chalicelib.accounts.changes import AccountChanges
from chalicelib.accounts.outgoing import MailQueue
from chalicelib.accounts.passwords import NewPasswords
from chalicelib.accounts.profiles import Profiles
from chalicelib.accounts.tickets import Tickets
from chalicelib.flows.management.admission import ManagementAdmission
from chalicelib.flows.management.blocks import BlocksFlow
from chalicelib.flows.management.configuration import Catalog, ConfigurationFlow
from chalicelib.flows.management.factors import FactorsFlow
from chalicelib.flows.management.people import PeopleFinder
from chalicelib.flows.management.roles import RolesFlow
from chalicelib.flows.management.sessions import SessionsFlow
from chalicelib.flows.management.tickets import TicketsFlow
from chalicelib.flows.management.users import UsersFlow
from chalicelib.http.body import json_object
from chalicelib.http.log import report_botocore
from chalicelib.http.management import make_management_app
from chalicelib.http.routes import Services
from chalicelib.http.wire import RequestReader
from chalicelib.model.tenant import Realm
from chalicelib.protection.mails import MailGuard
from chalicelib.settings import Settings, environment
from chalicelib.store.aws.calls import Aws
from chalicelib.store.aws.connections import connect
from chalicelib.store.buckets import LOGINS, BucketStore
from chalicelib.store.code_attempts import AllowanceStore
from chalicelib.store.families import FamilyStore
from chalicelib.store.logs.audit import AuditLog
from chalicelib.store.outgoing import OutgoingStore
from chalicelib.store.people.user_records import UserRecords
from chalicelib.store.tickets import TicketStore
from chalicelib.tokens.verifier import AccessTokenVerifier
from chalicelib.wiring.externals import Externals
from chalicelib.wiring.stores import make_stores


def build_management(settings: Settings, aws: Aws, externals: Externals) -> Services:
    """Return the services of one stage's Management API."""
    stores, clock, cost = make_stores(settings, aws, externals), externals.clock, settings.bcrypt_cost
    config, verifier = stores.config, AccessTokenVerifier(stores.config, externals.clock)
    allowances = AllowanceStore(stores.dynamo, stores.attempts_table)
    admission = ManagementAdmission(verifier, config, allowances, AuditLog(aws, settings.stage), clock)
    catalog = Catalog(config, clock)
    finder, passwords = PeopleFinder(stores.dynamo, catalog), NewPasswords(config.tenant, externals.range_api, cost)
    tickets = Tickets(stores.dynamo, TicketStore(stores.dynamo, stores.sessions_table), stores.key.mac, clock)
    buckets = BucketStore(stores.dynamo, stores.attempts_table, LOGINS)
    queue = OutgoingStore(stores.dynamo, stores.attempts_table)
    guard = MailGuard(allowances, stores.dynamo.commit, stores.key.mac, clock)
    mails = MailQueue(queue, guard, clock, has_sender=bool(settings.email_from))

    def records_of(realm: Realm) -> UserRecords:
        return UserRecords(stores.dynamo, realm.users_table)

    def changes_of(realm: Realm) -> AccountChanges:
        families = FamilyStore(stores.dynamo, stores.sessions_table)
        stored = records_of(realm), stores.attempts, families, stores.revocations
        return AccountChanges(config, realm, *stored, stores.tell, clock)

    def profiles_of(realm: Realm) -> Profiles:
        return Profiles(records_of(realm), realm, clock, stores.tell)

    services = (
        RequestReader(settings.issuer, settings.trusted_proxies, json_object),
        UsersFlow(admission, finder, changes_of, profiles_of, passwords, mails, externals.verify, clock),
        BlocksFlow(admission, finder, changes_of, buckets, config.tenant, clock),
        SessionsFlow(admission, finder, changes_of, config),
        FactorsFlow(admission, finder, stores.enrolments_of, stores.attempts),
        TicketsFlow(admission, finder, tickets, mails, clock),
        RolesFlow(admission, finder, catalog, lambda realm: Authorizations(records_of(realm), RoleCatalog(config))),
        ConfigurationFlow(admission, catalog, config),
    )
    return Services({type(service): service for service in services})


@cache
def management_services() -> Services:
    """Return this process's services, from its environment; built at the first call."""
    return build_management(Settings.from_environ(), connect(environment(), report_botocore), Externals())


application = make_management_app(management_services)
