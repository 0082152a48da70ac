"""`gatehouse local`: the real app on moto in this process, behind a gateway that makes API Gateway's events."""

import os
import socket
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from chalicelib.settings import RULE_PACKAGES, is_issuer
from infra.cli.check import load_or_exit
from infra.cli.options import reports_failures
from infra.gateway.app import Gateway, GatewayConfig
from infra.gateway.serving import CannotListen, listen, serve
from infra.gateway.tls import make_certificate
from infra.local.emulated_aws import local_aws
from infra.local.lines import LocalRun, RequestLines
from infra.local.outbox import Outbox, WithOutbox
from infra.local.schedule import every
from infra.rules.packages import load_here, split
from infra.rules.settings import read_file, settings_of
from infra.stage.aws import reach
from infra.stage.provision import apply, up
from infra.stage.seed import seed_users
from infra.tenant.client_secrets import DEMO
from infra.tenant.file import TenantFile

STAGE = "dev"
EMAIL_FROM = "login@gatehouse.example"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (it is compared, not bound)
# EventBridge fires once a minute at most; nobody waits that long at a terminal.
SCHEDULE_S = 2
# API Gateway gives up after 29 s. Forty logins at once on a busy machine take longer, and none of them hangs.
PATIENCE_S = 300

PortOption = Annotated[int, typer.Option(help="The port to listen on; 0 takes any free one.", min=0, max=65535)]
HostOption = Annotated[str, typer.Option(help="The address to listen on.")]
TenantOption = Annotated[Path, typer.Option(help="The tenant file to serve.")]
TlsOption = Annotated[bool, typer.Option("--tls", help="Serve HTTPS with a certificate made on the spot.")]
RulesOption = Annotated[
    list[str] | None,
    typer.Option("--rules", envvar=RULE_PACKAGES, help="A rule package; several, or between commas."),
]


def _issuer(text: str) -> str:
    if text and not is_issuer(text):
        raise typer.BadParameter("An issuer is an http(s) URL without query that ends in a slash.")
    return text


IssuerOption = Annotated[
    str,
    typer.Option(
        envvar="GATEHOUSE_ISSUER",
        callback=_issuer,
        help="The issuer, if clients reach this machine by another URL than the one that is served.",
    ),
]
RuleSettingsOption = Annotated[Path | None, typer.Option(help="A JSON file of rule settings, texts by name.")]


@reports_failures
def local(  # noqa: PLR0913, PLR0917 (its options)
    port: PortOption = 8000,
    host: HostOption = "127.0.0.1",
    tenant: TenantOption = DEMO,
    tls: TlsOption = False,
    rules: RulesOption = None,
    rule_settings: RuleSettingsOption = None,
    issuer: IssuerOption = "",
) -> None:
    """Serve the real app on this machine, without AWS. A restart starts anew."""
    console = Console()
    file = load_or_exit(tenant)
    packages, values = split(rules or ()), read_file(rule_settings) if rule_settings else {}
    loaded = load_here(packages)
    listener = _listen_or_exit(host, port)
    shown_host = _shown(host)
    url = f"{'https' if tls else 'http'}://{shown_host}:{listener.getsockname()[1]}/"
    certificate = make_certificate(shown_host) if tls else None
    run = LocalRun(tenant, file, url, issuer or url, certificate, loaded, with_secrets=tenant.resolve() == DEMO)
    with local_aws():
        made_secrets = provision(file)
        if values:
            settings_of(reach(STAGE)).write(values)
        gateway, outbox = _gateway(issuer or url, RequestLines(console), packages), Outbox(console)
        with every(SCHEDULE_S, lambda: _tell_blocked(outbox)):
            serve(WithOutbox(gateway, outbox), listener, run.tls, lambda: run.announce(console, made_secrets))
    console.print("Stopped.")


def provision(file: TenantFile, bcrypt_cost: int = 10) -> dict[str, str]:
    """Bring an empty AWS to what the file says, with its users, by the cloud's own code; return the secrets made."""
    stage = reach(STAGE)
    up(stage, file)
    applied = apply(stage, file)
    seed_users(stage, file, bcrypt_cost)
    return applied.made_secrets


def _listen_or_exit(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except CannotListen as fault:
        typer.echo(f"{fault} Choose another with PORT= or --port.", err=True)
        raise typer.Exit(2) from None


def _shown(host: str) -> str:
    """Return the host as a URL has it, for who asks from this machine."""
    if host in EVERYWHERE:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _gateway(issuer: str, lines: RequestLines, packages: tuple[str, ...]) -> Gateway:
    reach(STAGE).clients.sesv2().create_email_identity(EmailIdentity=EMAIL_FROM)
    ours = {"GATEHOUSE_STAGE": STAGE, "GATEHOUSE_ISSUER": issuer, "GATEHOUSE_EMAIL_FROM": EMAIL_FROM}
    os.environ |= ours | {RULE_PACKAGES: ",".join(packages)}
    # The app reads its environment; what it needs of it is known only now.
    from app import app  # noqa: PLC0415

    app.emit = lines.emit
    # This AWS is a part of the process: how busy that is must not look like an AWS that hangs.
    app.clock = lambda: 0
    app.services()
    return Gateway(app, GatewayConfig(routes=app.routes, timeout_s=PATIENCE_S), lines.observe)


def _tell_blocked(outbox: Outbox) -> None:
    """Do what the schedule has the deployed function do, and show what was sent."""
    from app import app  # noqa: PLC0415 (as above)

    app.send_notices()
    outbox.look()
