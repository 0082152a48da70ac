"""`gatehouse local`: the real app on moto in this process, behind a gateway that makes API Gateway's events."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from chalicelib.settings import RULE_PACKAGES
from infra.aws import reach
from infra.check import load_or_exit
from infra.commands import reports_failures
from infra.curls import curl_lines
from infra.gateway import Gateway, GatewayConfig, Served
from infra.local_aws import local_aws
from infra.outbox import Outbox, WithOutbox
from infra.provision import apply, up
from infra.rule_packages import load_here, split
from infra.schedule import every
from infra.seed import seed_users
from infra.serving import CannotListen, listen, serve
from infra.team_settings import read_file, settings_of
from infra.tenant_file import TenantFile
from infra.tls import make_certificate, trust_lines

DEMO = Path(__file__).resolve().parent / "demo-tenant.yaml"
STAGE = "dev"
EMAIL_FROM = "login@gatehouse.example"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (it is compared, not bound)
GOOD_BELOW = 400
# EventBridge fires once a minute at most; nobody waits that long at a terminal.
SCHEDULE_S = 2


@dataclass(frozen=True, slots=True)
class RequestLines:
    """Prints one line per request; the function's log line says what came of it."""

    console: Console
    outcomes: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def emit(self, line: dict[str, Any]) -> None:
        """Keep a log line until its request has been answered."""
        self.outcomes[str(line.get("request_id", ""))] = line

    def observe(self, served: Served) -> None:
        """Print a request's line: method, path, status, ms, outcome; then what rules left to say."""
        line = self.outcomes.pop(served.request_id, {})
        outcome = " ".join(
            str(line[name]) for name in ("event", "client_id", "realm", "user", "reason") if name in line
        )
        colour = "green" if served.status < GOOD_BELOW else "yellow"
        text = f"{served.method} {escape(served.path)} [{colour}]{served.status}[/] {served.duration_ms:.0f} ms"
        self.console.print(f"{text} {escape(outcome)}".rstrip(), highlight=False, soft_wrap=True)
        for said in (*line.get("warnings", ()), line.get("traceback", "").rstrip()):
            if said:
                self.console.print(Text(said, style="yellow"), soft_wrap=True)


@reports_failures
def local(  # noqa: PLR0913, PLR0917 (its options)
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes any free one.", min=0, max=65535)] = 8000,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    tenant: Annotated[Path, typer.Option(help="The tenant file to serve.")] = DEMO,
    tls: Annotated[bool, typer.Option("--tls", help="Serve HTTPS with a certificate made on the spot.")] = False,
    rules: Annotated[
        list[str] | None,
        typer.Option("--rules", envvar=RULE_PACKAGES, help="A rule package; several, or between commas."),
    ] = None,
    rule_settings: Annotated[Path | None, typer.Option(help="A JSON file of rule settings, texts by name.")] = None,
) -> None:
    """Serve the real app on this machine, without AWS. A restart starts anew."""
    console = Console()
    file = load_or_exit(tenant)
    packages, values = split(rules or ()), read_file(rule_settings) if rule_settings else {}
    loaded = load_here(packages)
    try:
        listener = listen(host, port)
    except CannotListen as fault:
        typer.echo(f"{fault} Choose another with PORT= or --port.", err=True)
        raise typer.Exit(2) from None
    shown_host = "127.0.0.1" if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    url = f"{'https' if tls else 'http'}://{shown_host}:{listener.getsockname()[1]}/"
    certificate = make_certificate(shown_host) if tls else None
    lines = RequestLines(console)
    with ExitStack() as stack:
        stack.enter_context(local_aws())
        made_secrets = provision(file)
        if values:
            settings_of(reach(STAGE)).write(values)
        gateway, outbox = _gateway(url, lines, packages), Outbox(console)
        stack.enter_context(every(SCHEDULE_S, lambda: _tell_blocked(outbox)))

        def say_ready() -> None:
            if certificate:
                console.print(trust_lines(certificate), highlight=False, soft_wrap=True, markup=False)
            ca_file = certificate.ca_file if certificate else None
            console.print(
                curl_lines(url, file, tenant.resolve() == DEMO, ca_file), highlight=False, soft_wrap=True, markup=False
            )
            for client_id, secret in made_secrets.items():
                console.print(f"Made for client {client_id}: client_secret={secret}", markup=False, soft_wrap=True)
            for rule in loaded:
                console.print(f"Rule {rule}", markup=False, highlight=False, soft_wrap=True)
            ready = f"Gatehouse serves {tenant} on {url}  (Ctrl-C stops it)"
            console.print(ready, style="bold", soft_wrap=True, markup=False)

        serve(WithOutbox(gateway, outbox), listener, certificate.tls if certificate else None, say_ready)
    console.print("Stopped.")


def provision(file: TenantFile, bcrypt_cost: int = 10) -> dict[str, str]:
    """Bring an empty AWS to what the file says, with its users, by the cloud's own code; return the secrets made."""
    stage = reach(STAGE)
    up(stage, file)
    applied = apply(stage, file)
    seed_users(stage, file, bcrypt_cost)
    return applied.made_secrets


def _gateway(url: str, lines: RequestLines, packages: tuple[str, ...]) -> Gateway:
    reach(STAGE).clients.sesv2().create_email_identity(EmailIdentity=EMAIL_FROM)
    ours = {"GATEHOUSE_STAGE": STAGE, "GATEHOUSE_ISSUER": url, "GATEHOUSE_EMAIL_FROM": EMAIL_FROM}
    os.environ |= ours | {RULE_PACKAGES: ",".join(packages)}
    # The app reads its environment; what it needs of it is known only now.
    from app import app  # noqa: PLC0415

    app.emit = lines.emit
    # This AWS is a part of the process: how busy that is must not look like an AWS that hangs.
    app.clock = lambda: 0
    app.services()
    return Gateway(app, GatewayConfig(routes=app.routes), lines.observe)


def _tell_blocked(outbox: Outbox) -> None:
    """Do what the schedule has the deployed function do, and show what was sent."""
    from app import app  # noqa: PLC0415 (as above)

    app.services().notices.send()
    outbox.look()
