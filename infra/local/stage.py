"""Serve a tenant file: the real app on moto in this process, behind a gateway that makes API Gateway's events."""

import os
import socket

from chalicelib.http.application import Application
from chalicelib.settings import RULE_PACKAGES, Settings
from chalicelib.store.aws.connections import connect_over
from infra.gateway.app import Gateway, GatewayConfig
from infra.gateway.serving import serve
from infra.local.emulated_aws import local_aws
from infra.local.moto_transport import MotoTransport
from infra.local.outbox import Outbox, WithOutbox
from infra.local.schedule import every
from infra.local.screen import LocalRun, RequestLog, Screen
from infra.rules.settings import settings_of
from infra.stage.aws import reach
from infra.stage.provision import apply, up
from infra.stage.seed import seed_users
from infra.tenant.schema import TenantFile

STAGE = "dev"
EMAIL_FROM = "login@gatehouse.example"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (it is compared, not bound)
# EventBridge fires once a minute at most, which is too slow to try things out.
SCHEDULE_S = 2
# API Gateway gives up after 29 s. Forty logins at once on a busy machine take longer, and none of them hangs.
PATIENCE_S = 300


def serve_tenant(run: LocalRun, listener: socket.socket, screen: Screen) -> None:
    """Serve a tenant file until the process is told to stop."""
    with local_aws():
        made_secrets = provision(run.file)
        if run.rule_settings:
            settings_of(reach(STAGE)).write(dict(run.rule_settings))
        log, outbox = RequestLog(screen.show_request), Outbox(screen.show_message)
        app = _app(run, log)
        gateway = Gateway(app, GatewayConfig(routes=app.routes, timeout_s=PATIENCE_S), log.observe)
        with every(SCHEDULE_S, lambda: _tell_blocked(app, outbox)):
            serve(WithOutbox(gateway, outbox), listener, run.tls, lambda: screen.show_start(run, made_secrets))


def provision(file: TenantFile, bcrypt_cost: int = 10) -> dict[str, str]:
    """Make a stage of the file, with its users, as `up` and `apply` do; return the client secrets that were made."""
    stage = reach(STAGE)
    up(stage, file)
    applied = apply(stage, file)
    seed_users(stage, file, bcrypt_cost)
    return applied.made_secrets


def url_host(host: str) -> str:
    """Return the listening host in the form of a URL, for a client on this machine."""
    if host in EVERYWHERE:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _app(run: LocalRun, log: RequestLog) -> Application:
    reach(STAGE).clients.sesv2().create_email_identity(EmailIdentity=EMAIL_FROM)
    ours = {"GATEHOUSE_STAGE": STAGE, "GATEHOUSE_ISSUER": run.issuer, "GATEHOUSE_EMAIL_FROM": EMAIL_FROM}
    os.environ |= ours | {RULE_PACKAGES: ",".join(run.packages)}
    # Importing the app takes long, and no other command needs it.
    from app import make_app  # noqa: PLC0415
    from chalicelib import wiring  # noqa: PLC0415

    # The thin path, whatever the environment says: only messages go by botocore.
    services = wiring.build(Settings.from_environ(), connect_over(MotoTransport(), os.environ), wiring.Externals())
    # The emulated AWS shares this process: a busy process must not look like an AWS that hangs.
    return make_app(lambda: services, log.emit, lambda: 0)


def _tell_blocked(app: Application, outbox: Outbox) -> None:
    """Run the scheduled function, and show the messages that it sent."""
    app.tell_blocked()
    outbox.look()
