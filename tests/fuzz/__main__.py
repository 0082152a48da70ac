"""`make fuzz`: send generated and valid requests to a running server, and check answers by docs/use/openapi.yaml.

schemathesis makes the requests and checks the answers. This file starts it, and lists what a run must reach.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import httpx
import typer
import yaml
from rich.console import Console
from rich.table import Table

from tests.fuzz.known import COUNTS_FILE, GUESS
from tests.support.http import BACKEND
from tests.support.local_run import local_run

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENT = PROJECT / "docs" / "use" / "openapi.yaml"
CONFIG = PROJECT / "tests" / "fuzz" / "schemathesis.toml"
# The rules to start the server with: `gatehouse local --rules`.
RULES = "tests.fuzz.rules"
# As many as the demo tenant allows; the next guess is refused.
GUESSES = 10
# Answers that no request reaches: faults of AWS and of ours, answers of API Gateway or a firewall, and answers that
# need ten minutes to pass, or a user to be blocked meanwhile.
EXCUSED = (
    "management* default",
    # Most need the id of somebody: tests/flow and tests/clients have them.
    "management* 20?",
    "* 500 *",
    "* 503 *",
    "* too_many_requests",
    "[!t]* access_denied",
    "* expired_token",
    "mfa* unauthorized",
    "*Head [!2]*",
    # Answers to a throttled address: the demo tenant does not throttle 127.0.0.1.
    "introspect 429 *",
    "revoke 429 *",
    "mfaAuthenticators* 429 *",
    "signup 429 *",
    "changePassword 429 *",
    "sendVerification 429 *",
    "verifyEmail 429 *",
    "resetPassword 429 *",
    # Answers that need an email's link, a user with a breached password, or the id of an authenticator.
    "unblock* 200",
    "unblock* 50[03]",
    "verify*Page* 200",
    "verify*Page* 303",
    "verify*Page* 50[03]",
    "reset*Page* 200",
    "reset*Page* 303",
    "reset*Page* 50[03]",
    "verifyEmail 200",
    "resetPassword 200",
    "resetPassword 400 invalid_password",
    # The demo's realm of sign-ups has no usernames.
    "signup 400 username_exists",
    "token 401 password_leaked",
    "mfaAuthenticatorDelete 204",
    "mfaAuthenticatorDelete 404 *",
)
# Answers that the document does not distinguish.
SUCCESSES = (
    "token 200 password",
    "token 200 http://auth0.com/oauth/grant-type/password-realm",
    "token 200 refresh_token",
    "token 200 client_credentials",
    "token 200 http://auth0.com/oauth/grant-type/mfa-otp",
    "token 200 http://auth0.com/oauth/grant-type/mfa-recovery-code",
    "introspect 200",
    "introspect 200 Bearer",
    "introspect 200 refresh_token",
)


@dataclass(frozen=True, slots=True)
class Fuzz:
    """The plan of a run. examples: the number of generated requests for each operation."""

    examples: int
    seed: int
    document: Path = DOCUMENT


def fuzz(url: str, ordered: Fuzz, directory: Path) -> tuple[int, dict[str, int]]:
    """Fuzz a server of the demo tenant with RULES; return schemathesis's exit code, and the counts of answers by kind.

    Its report goes to standard output. directory: for its files.
    """
    for _ in range(GUESSES):
        httpx.post(f"{url}oauth/token", data={**BACKEND, **GUESS})
    counts = directory / "counts.json"
    options = {
        "--url": url.rstrip("/"),
        "--max-examples": str(ordered.examples),
        "--seed": str(ordered.seed),
        "--generation-database": str(directory / "examples"),
    }
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", str(ordered.document)]
    words = [word for pair in options.items() for word in pair]
    environment = os.environ | {COUNTS_FILE: str(counts), "PYTHONPATH": str(PROJECT)}
    ran = subprocess.run([*command, *words], cwd=directory, env=environment, check=False)
    return ran.returncode, json.loads(counts.read_text("utf-8"))


def find_unreached(document: Path, counts: Mapping[str, int]) -> list[str]:
    """Return the documented answers that no request reached, as `OPERATION STATUS KIND`."""
    told = {
        outcome
        for outcome in _documented_outcomes(yaml.safe_load(document.read_text("utf-8")))
        if not _is_excused(outcome)
    }
    return sorted({*told, *SUCCESSES} - {*counts})


def _documented_outcomes(document: dict[str, Any]) -> Iterator[str]:
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    for operation in operations:
        for status, told in operation["responses"].items():
            response = _resolve(told, document)
            schema = response.get("content", {}).get("application/json", {}).get("schema", {})
            errors = [error for one in schema.get("oneOf", [schema]) for error in _errors(one, document)]
            if status != "413" or "requestBody" in operation:
                yield from (f"{operation['operationId']} {status} {error}".rstrip() for error in errors)


def _resolve(node: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Return the node with the members of its $ref; its own members win."""
    if "$ref" not in node:
        return node
    _, _, kind, name = node["$ref"].split("/")
    return {**document["components"][kind][name], **node}


def _errors(schema: dict[str, Any], document: dict[str, Any]) -> list[str]:
    errors: list[str] = _resolve(schema, document).get("properties", {}).get("error", {}).get("enum", [""])
    return errors


def _is_excused(outcome: str) -> bool:
    return outcome.startswith("token 200") or any(fnmatchcase(outcome, pattern) for pattern in EXCUSED)


def _table(counts: Mapping[str, int]) -> Table:
    table = Table("operation", "status", "kind", "requests")
    for outcome, count in sorted(counts.items()):
        operation, status, *kind = outcome.split(" ", 2)
        table.add_row(operation, status, *(kind or [""]), str(count))
    return table


def main(
    examples: Annotated[int, typer.Option(help="Requests for each operation.", min=1)] = 300,
    seed: Annotated[int, typer.Option(help="The same seed makes up the same requests.")] = 1,
) -> None:
    """Fuzz `gatehouse local`; exit 1 if an answer is not as the document says, or was never reached."""
    console = Console()
    with TemporaryDirectory() as made:
        directory = Path(made)
        with local_run(directory, "--rules", RULES) as run:
            code, counts = fuzz(run.url, Fuzz(examples, seed), directory)
    console.print(_table(counts))
    missing = find_unreached(DOCUMENT, counts)
    if missing:
        console.print("Not reached: " + ", ".join(missing), soft_wrap=True)
    raise typer.Exit(1 if code or missing else 0)


if __name__ == "__main__":
    typer.run(main)
