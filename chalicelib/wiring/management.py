"""The composition root of the Management API, which is a function of its own. No login imports it."""

from functools import cache

from chalicelib.flows.management.admission import ManagementAdmission
from chalicelib.flows.management.configuration import Catalog, ConfigurationFlow
from chalicelib.http.body import json_object
from chalicelib.http.log import report_botocore
from chalicelib.http.management import make_management_app
from chalicelib.http.routes import Services
from chalicelib.http.wire import RequestReader
from chalicelib.settings import Settings, environment
from chalicelib.store.aws.calls import Aws
from chalicelib.store.aws.connections import connect
from chalicelib.store.code_attempts import AllowanceStore
from chalicelib.tokens.verifier import AccessTokenVerifier
from chalicelib.wiring.externals import Externals
from chalicelib.wiring.stores import make_stores


def build_management(settings: Settings, aws: Aws, externals: Externals) -> Services:
    """Return the services of one stage's Management API."""
    stores, clock = make_stores(settings, aws, externals), externals.clock
    config, verifier = stores.config, AccessTokenVerifier(stores.config, externals.clock)
    allowances = AllowanceStore(stores.dynamo, stores.attempts_table)
    admission = ManagementAdmission(verifier, config, allowances, clock)
    catalog = Catalog(config, clock)
    services = (
        RequestReader(settings.issuer, settings.trusted_proxies, json_object),
        ConfigurationFlow(admission, catalog, config),
    )
    return Services({type(service): service for service in services})


@cache
def management_services() -> Services:
    """Return this process's services, from its environment; built at the first call."""
    return build_management(Settings.from_environ(), connect(environment(), report_botocore), Externals())


application = make_management_app(management_services)
