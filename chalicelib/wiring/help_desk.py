"""The composition root of the help desk's function. No login imports it."""

from collections.abc import Callable
from functools import cache, partial
from http.client import HTTPConnection
from urllib.parse import urlsplit

from chalicelib.flows.help_desk import HelpDeskFlow
from chalicelib.http.help_desk import HelpDesk
from chalicelib.http.log import report_botocore
from chalicelib.settings import Settings, environment
from chalicelib.store.aws.calls import Aws
from chalicelib.store.aws.connections import connect
from chalicelib.store.logs.audit import AuditLog
from chalicelib.store.logs.callers import CallerIdentity, sts_host
from chalicelib.store.logs.sinks import TIMEOUT_S, connect_by_https
from chalicelib.wiring.externals import Externals
from chalicelib.wiring.stores import make_stores

HTTPS_PORT = 443


def build_help_desk(
    settings: Settings, aws: Aws, externals: Externals, region: str, connect_to_sts: Callable[[], HTTPConnection]
) -> HelpDeskFlow:
    """Return the flow of one stage's help desk. connect_to_sts: opens a connection to STS in the Region."""
    stores = make_stores(settings, aws, externals)
    return HelpDeskFlow(
        CallerIdentity(settings.stage, region, connect_to_sts),
        stores.config,
        stores.dynamo,
        stores.attempts,
        stores.enrolments_of,
        AuditLog(aws, settings.stage),
    )


@cache
def help_desk() -> HelpDesk:
    """Return this process's help desk, from its environment; built at the first call."""
    settings, aws = Settings.from_environ(), connect(environment(), report_botocore)
    region = environment()["AWS_REGION"]
    return HelpDesk(build_help_desk(settings, aws, Externals(), region, partial(_connect_to_sts, region)))


def _connect_to_sts(region: str) -> HTTPConnection:
    """Return a connection to STS, not open yet; to an emulator if the environment names one."""
    emulator = urlsplit(environment().get("AWS_ENDPOINT_URL", ""))
    if emulator.scheme == "http":
        return HTTPConnection(emulator.hostname or "", emulator.port, timeout=TIMEOUT_S)
    host = emulator.hostname or sts_host(region)
    return connect_by_https(host, emulator.port or HTTPS_PORT)
