"""Print a local run: curl lines to call it, then a line for each request and each message."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from infra.cli.output.escapes import printable
from infra.gateway.app import ServedRequest
from infra.gateway.tls import trust_lines
from infra.local.aws_port import exports
from infra.local.curls import curl_lines
from infra.local.outbox import SentMessage
from infra.local.screen import LocalRun

GOOD_BELOW = 400
OPEN_WARNING = (
    "WARNING: {} is not this machine alone. Whoever reaches it reads the codes and links in the outbox, and the "
    "passwords of the demo's people. Use it in a network that you trust, or leave HOST= out."
)
OUTCOME = ("event", "client_id", "realm", "user", "reason")


@dataclass(frozen=True, slots=True)
class Terminal:
    """The screen of a local run: a terminal, or a pipe."""

    console: Console

    def show_start(self, run: LocalRun, made_secrets: Mapping[str, str]) -> None:
        """Print how to call the run. made_secrets: the client secrets that the file left out, by client_id."""
        say = partial(self.console.print, markup=False, soft_wrap=True)
        ca_file = run.certificate.ca_file if run.certificate else None
        if run.certificate:
            say(trust_lines(run.certificate), highlight=False)
        say(curl_lines(run.url, run.file, run.with_secrets, ca_file), highlight=False)
        for client_id, secret in made_secrets.items():
            say(f"Made for client {client_id}: client_secret={secret}")
        for rule in run.rules:
            say(f"Rule {rule}", highlight=False)
        if run.issuer != run.url:
            say(f"Issuer {run.issuer}", highlight=False)
        say(f"Gatehouse serves {run.tenant} on {run.url}  (Ctrl-C stops it)", style="bold")
        if run.aws_url:
            say(f"For the gatehouse command on this run:\n{exports(run.aws_url)}", highlight=False)
        if run.is_open:
            say(OPEN_WARNING.format(run.host), style="bold red", highlight=False)

    def show_request(self, served: ServedRequest, logged: Mapping[str, Any]) -> None:
        """Print a request's line: method, path, status, ms, outcome; then warnings and traceback of its rules."""
        outcome = " ".join(str(logged[name]) for name in OUTCOME if name in logged)
        colour = "green" if served.status < GOOD_BELOW else "yellow"
        path, outcome = escape(printable(served.path)), escape(printable(outcome))
        text = f"{served.method} {path} [{colour}]{served.status}[/] {served.duration_ms:.0f} ms"
        self.console.print(f"{text} {outcome}".rstrip(), highlight=False, soft_wrap=True)
        for note in (*logged.get("warnings", ()), logged.get("traceback", "").rstrip()):
            if note:
                self.console.print(Text(printable(note.expandtabs()), style="yellow"), soft_wrap=True)

    def show_message(self, sent: SentMessage) -> None:
        """Print a text message or an email."""
        self.console.print(Text(printable(f"{sent.channel} to {sent.to}: {sent.text}"), style="cyan"), soft_wrap=True)
