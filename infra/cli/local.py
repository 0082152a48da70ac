"""`gatehouse local`: serve the real app on moto in this process, and print its requests."""

import socket
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from chalicelib.settings import RULE_PACKAGES, is_issuer
from infra.cli.check import load_or_exit
from infra.cli.options import MailsOption, reports_failures
from infra.cli.output.terminal import Terminal
from infra.errors import OperatorError
from infra.gateway.serving import CannotListen, listen
from infra.gateway.tls import make_certificate
from infra.local.aws_port import HOST as AWS_HOST
from infra.local.screen import LocalRun
from infra.local.stage import serve_tenant, url_host
from infra.rules.import_functions import require_import_functions
from infra.rules.mail_templates import load_mail_templates
from infra.rules.packages import load_here, split
from infra.rules.settings import read_file
from infra.tenant.client_secrets import DEMO

PortOption = Annotated[int, typer.Option(help="The port to listen on; 0 takes any free one.", min=0, max=65535)]
HostOption = Annotated[str, typer.Option(help="The address to listen on.")]
AwsPortOption = Annotated[
    int | None,
    typer.Option(help="The port of the emulated AWS; 0 opens none. By default any free one.", min=0, max=65535),
]
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
def local(
    port: PortOption = 8000,
    host: HostOption = "127.0.0.1",
    tenant: TenantOption = DEMO,
    tls: TlsOption = False,
    rules: RulesOption = None,
    rule_settings: RuleSettingsOption = None,
    mails: MailsOption = "",
    issuer: IssuerOption = "",
    aws_port: AwsPortOption = None,
) -> None:
    """Serve the real app on this machine, without AWS. A restart starts anew."""
    console = Console()
    file = load_or_exit(tenant)
    packages, settings = split(rules or ()), read_file(rule_settings) if rule_settings else {}
    loaded = load_here(packages)
    load_mail_templates(mails)
    require_import_functions(file.realms)
    listener = _open_port(host, port, "PORT= or --port")
    aws_listener = None if aws_port == 0 else _open_port(AWS_HOST, aws_port or 0, "AWS_PORT= or --aws-port")
    own_host = url_host(host)
    url = f"{'https' if tls else 'http'}://{own_host}:{listener.getsockname()[1]}/"
    run = LocalRun(
        tenant=tenant,
        file=file,
        host=host,
        url=url,
        issuer=issuer or url,
        aws_url=f"http://{AWS_HOST}:{aws_listener.getsockname()[1]}" if aws_listener else "",
        certificate=make_certificate(own_host) if tls else None,
        packages=packages,
        rules=loaded,
        rule_settings=settings,
        mail_templates=mails,
        with_secrets=tenant.resolve() == DEMO,
    )
    serve_tenant(run, listener, aws_listener, Terminal(console))
    console.print("Stopped.")


def _open_port(host: str, port: int, option: str) -> socket.socket:
    try:
        return listen(host, port)
    except CannotListen as fault:
        raise OperatorError(f"{fault} Choose another with {option}.") from None
