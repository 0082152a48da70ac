"""The interface between a local run and the command that prints it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from chalicelib.rules.loading import Rule
from infra.gateway.app import ServedRequest
from infra.gateway.hosts import is_loopback
from infra.gateway.serving import Tls
from infra.gateway.tls import LocalCertificate
from infra.local.outbox import SentMessage
from infra.tenant.schema import TenantFile


@dataclass(frozen=True, slots=True)
class LocalRun:
    """The facts of a run. tenant: the path of file. rules: the rules that each login runs, from packages, in order.

    host: the address that it listens on. url: the URL that is served. issuer: the URL in tokens and links.
    aws_url: the URL of the emulated AWS, or "" if it has no port.
    mail_templates: the packages with templates of emails, between commas.
    with_secrets: whether the file's secrets and passwords may be printed.
    """

    tenant: Path
    file: TenantFile
    host: str
    url: str
    issuer: str
    aws_url: str
    certificate: LocalCertificate | None
    packages: tuple[str, ...]
    rules: tuple[Rule, ...]
    rule_settings: Mapping[str, str] = field(repr=False)
    mail_templates: str
    with_secrets: bool

    @property
    def tls(self) -> Tls | None:
        """The certificate that HTTPS is served with; None if HTTP is served."""
        return self.certificate.tls if self.certificate else None

    @property
    def is_open(self) -> bool:
        """Whether other machines may reach the run."""
        return not is_loopback(self.host)


class Screen(Protocol):
    """The need of a local run: something that shows its events."""

    def show_start(self, run: LocalRun, made_secrets: Mapping[str, str]) -> None:
        """Show that the run serves. made_secrets: the client secrets that the tenant file left out, by client_id."""

    def show_request(self, served: ServedRequest, logged: Mapping[str, Any]) -> None:
        """Show an answered request. logged: the function's log line, empty if there is none."""

    def show_message(self, sent: SentMessage) -> None:
        """Show a text message or an email that was sent."""


@dataclass(frozen=True, slots=True)
class RequestLog:
    """Joins each request with the function's log line, which comes first."""

    show: Callable[[ServedRequest, Mapping[str, Any]], None]
    lines: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def emit(self, line: dict[str, Any]) -> None:
        """Keep a log line until its request has been answered."""
        self.lines[str(line.get("request_id", ""))] = line

    def observe(self, served: ServedRequest) -> None:
        """Show an answered request with its log line."""
        self.show(served, self.lines.pop(served.request_id, {}))
