"""Serve a tenant file: the real app on moto in this process, behind a gateway that makes API Gateway's events."""

import os
import socket

from chalicelib.http.application import Application
from chalicelib.http.routes import resources
from chalicelib.legacy.loading import package_of
from chalicelib.settings import IMPORT_PACKAGES, MAIL_TEMPLATES, RULE_PACKAGES, Settings
from chalicelib.store.aws.connections import connect_over
from infra.gateway.app import Gateway, GatewayConfig
from infra.gateway.functions import ApiFunction, join_functions
from infra.gateway.hosts import ServedHosts
from infra.gateway.serving import serve
from infra.local.aws_port import serve_aws
from infra.local.emulated_aws import STAGE, local_aws
from infra.local.function_logs import FunctionLogs, emit_to
from infra.local.moto_transport import MotoTransport
from infra.local.outbox import Outbox
from infra.local.pages.documents import Documents
from infra.local.pages.home import Home
from infra.local.pages.messages import Messages
from infra.local.pages.site import LocalSite, show_style
from infra.local.schedule import every
from infra.local.screen import LocalRun, RequestLog, Screen
from infra.rules.settings import settings_of
from infra.stage.aws import reach
from infra.stage.provision import apply, up
from infra.stage.seed import seed_users
from infra.tenant.schema import TenantFile

EMAIL_FROM = "login@gatehouse.example"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (it is compared, not bound)
# EventBridge fires once a minute at most, which is too slow to try things out.
SCHEDULE_S = 2
# API Gateway gives up after 29 s. Forty logins at once on a busy machine take longer, and none of them hangs.
PATIENCE_S = 300


def serve_tenant(run: LocalRun, listener: socket.socket, aws_listener: socket.socket | None, screen: Screen) -> None:
    """Serve a tenant file until the process is told to stop. aws_listener: where its AWS is served, if anywhere."""
    with local_aws(), serve_aws(aws_listener):
        made_secrets = provision(run.file)
        if run.rule_settings:
            settings_of(reach(STAGE)).write(dict(run.rule_settings))
        log, outbox = RequestLog(screen.show_request), Outbox(screen.show_message)
        app, management = _applications(run, log)
        whole = join_functions(ApiFunction(app.routes, app), ApiFunction(management.routes, management))
        gateway = Gateway(whole.invoke, GatewayConfig(routes=whole.routes, timeout_s=PATIENCE_S), log.observe)
        home, documents = Home(run, gateway, outbox, _endpoints(), made_secrets), Documents(run.url)
        pages = (home.show, Messages(outbox).show, show_style, documents.show_openapi, documents.show)
        site = LocalSite(gateway, ServedHosts(run.host, (run.url, run.issuer)), pages, outbox.look)
        with every(SCHEDULE_S, lambda: _tell_blocked(app, outbox)):
            serve(site, listener, run.tls, lambda: screen.show_start(run, made_secrets))


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


def _applications(run: LocalRun, log: RequestLog) -> tuple[Application, Application]:
    """Return the applications of the two functions behind the API: the one of logins, and the Management API's."""
    reach(STAGE).clients.sesv2().create_email_identity(EmailIdentity=EMAIL_FROM)
    ours = {"GATEHOUSE_STAGE": STAGE, "GATEHOUSE_ISSUER": run.issuer, "GATEHOUSE_EMAIL_FROM": EMAIL_FROM}
    imports = ",".join(package_of(realm.import_from) for realm in run.file.realms if realm.import_from)
    lists = {RULE_PACKAGES: ",".join(run.packages), MAIL_TEMPLATES: run.mail_templates, IMPORT_PACKAGES: imports}
    os.environ |= ours | lists
    # Importing the app takes long, and no other command needs it.
    from app import make_app  # noqa: PLC0415
    from chalicelib import wiring  # noqa: PLC0415
    from chalicelib.http.management import make_management_app  # noqa: PLC0415
    from chalicelib.wiring.management import build_management  # noqa: PLC0415

    # The thin path, whatever the environment says: only messages go by botocore.
    parts = Settings.from_environ(), connect_over(MotoTransport(), os.environ), wiring.Externals()
    services, managing = wiring.build(*parts), build_management(*parts)
    # The emulated AWS shares this process: a busy process must not look like an AWS that hangs.
    logins, management = (emit_to(log.emit, FunctionLogs(name).write) for name in ("", "-management"))
    return (
        make_app(lambda: services, logins, lambda: 0),
        make_management_app(lambda: managing, management, lambda: 0),
    )


def _endpoints() -> dict[str, tuple[str, ...]]:
    """Return the methods of each path that the app answers."""
    from app import ROUTES  # noqa: PLC0415 (as above)

    return {path: tuple(resource.by_method) for path, resource in resources(ROUTES).items()}


def _tell_blocked(app: Application, outbox: Outbox) -> None:
    """Run the scheduled function, and show the messages that it sent."""
    app.tell_blocked()
    outbox.look()
