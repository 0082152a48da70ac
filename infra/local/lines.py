"""What a local run prints: what is served and how to call it, then a line for each request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from chalicelib.rules.loading import Rule
from infra.gateway.app import Served
from infra.gateway.serving import Tls
from infra.gateway.tls import LocalCertificate, trust_lines
from infra.local.curls import curl_lines
from infra.tenant.file import TenantFile

GOOD_BELOW = 400


@dataclass(frozen=True, slots=True)
class LocalRun:
    """What is served. file: what stands in the tenant file. rules: those that every login runs, in their order.

    url: where it is served. issuer: the URL that its tokens and links name.
    with_secrets: the file's secrets and passwords may be shown.
    """

    tenant: Path
    file: TenantFile
    url: str
    issuer: str
    certificate: LocalCertificate | None
    rules: tuple[Rule, ...]
    with_secrets: bool

    @property
    def tls(self) -> Tls | None:
        """What HTTPS is served with; None where it is HTTP."""
        return self.certificate.tls if self.certificate else None

    def announce(self, console: Console, made_secrets: Mapping[str, str]) -> None:
        """Print how to call what is served. made_secrets: by client_id, those that the file left out."""
        say = partial(console.print, markup=False, soft_wrap=True)
        ca_file = self.certificate.ca_file if self.certificate else None
        if self.certificate:
            say(trust_lines(self.certificate), highlight=False)
        say(curl_lines(self.url, self.file, self.with_secrets, ca_file), highlight=False)
        for client_id, secret in made_secrets.items():
            say(f"Made for client {client_id}: client_secret={secret}")
        for rule in self.rules:
            say(f"Rule {rule}", highlight=False)
        if self.issuer != self.url:
            say(f"Issuer {self.issuer}", highlight=False)
        say(f"Gatehouse serves {self.tenant} on {self.url}  (Ctrl-C stops it)", style="bold")


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
