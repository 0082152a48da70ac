"""`gatehouse check FILE`: check a tenant file, and warn of clients that may send passwords."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from chalicelib.model.tenant import REFRESH_TOKEN
from infra.cli.options import JsonOption, MailsOption, console, reports_failures
from infra.cli.output.tables import print_json, print_table
from infra.rules.import_functions import require_import_functions
from infra.rules.mail_templates import load_mail_templates
from infra.tenant.faults import Auth0Name, TenantFileError
from infra.tenant.file import load
from infra.tenant.schema import Client, TenantFile

FAULTY = 2
LINES_SHOWN = 3


@reports_failures
def check(
    file: Annotated[Path, typer.Argument(help="The tenant file, such as infra/local/demo-tenant.yaml.")],
    in_json: JsonOption = False,
    mails: MailsOption = "",
) -> None:
    """Check a tenant file: all of its faults at once, each with its line and its mend. Check mail templates too."""
    load_mail_templates(mails)
    tenant_file = _load_or_exit_in_json(file) if in_json else load_or_exit(file)
    require_import_functions(tenant_file.realms)
    names = _names(tenant_file)
    warnings = [*_warnings(tenant_file), *_open_names(tenant_file), *password_grant_warnings(tenant_file)]
    if in_json:
        print_json(console, {"file": str(file), "faults": [], "auth0": [], **names, "warnings": warnings})
        return
    typer.echo(f"{file}: fine")
    rows = [(what, str(len(found)), "\n".join(found)) for what, found in names.items()]
    print_table(console, ("what", "how many", "names"), rows)
    warn(warnings, console)


def load_or_exit(path: Path) -> TenantFile:
    """Return the tenant file at path. If it has faults, print them to stderr and exit with code 2."""
    try:
        return load(path)
    except TenantFileError as error:
        faults, foreign = error.lines, error.foreign
    for fault in faults:
        typer.echo(fault, err=True)
    if foreign:
        _show_auth0_names(path, foreign)
    raise typer.Exit(FAULTY)


def password_grant_warnings(tenant_file: TenantFile) -> list[str]:
    """Return a warning that names the clients with the password grant, if there are any. Source: RFC 9700 2.4."""
    words = "RFC 9700 2.4: the password grant must not be used; redirect wherever you can. Clients that have it: "
    return _of_clients({words: [client for client in _live(tenant_file) if client.has_password_grant]})


def warn(warnings: Iterable[str], console: Console) -> None:
    """Print each warning as one line, so that grep finds it whole."""
    for warning in warnings:
        console.print(warning, style="yellow", soft_wrap=True, markup=False, highlight=False)


def _show_auth0_names(path: Path, names: Iterable[Auth0Name]) -> None:
    """Print Auth0's names beside ours, each once, to stderr."""
    console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    console.print(f"{path}: these names are Auth0's. What they are here:")
    rows = [(_join_lines(name.lines), name.name, name.here) for name in names]
    print_table(console, ("line", "Auth0", "Gatehouse"), rows)


def _join_lines(lines: Sequence[int]) -> str:
    return ", ".join(map(str, lines[:LINES_SHOWN])) + (", ..." if len(lines) > LINES_SHOWN else "")


def _load_or_exit_in_json(path: Path) -> TenantFile:
    try:
        return load(path)
    except TenantFileError as error:
        faults, foreign = [asdict(fault) for fault in error.faults], [asdict(name) for name in error.foreign]
    print_json(console, {"file": str(path), "faults": faults, "auth0": foreign})
    raise typer.Exit(FAULTY)


def _warnings(tenant_file: TenantFile) -> list[str]:
    """Return the other warnings, each with the clients that it concerns."""
    senders = [client for client in _live(tenant_file) if client.has_password_grant]
    public = [client for client in _live(tenant_file) if client.is_public]
    owes_factor = tenant_file.mfa.policy == "always"
    return _of_clients(
        {
            "With `mfa.policy: always` no user can log in through a client without an MFA grant. "
            "Clients that have none: ": [client for client in senders if owes_factor and not client.has_mfa_grant],
            "RFC 9700 2.2.2: the refresh tokens of a public client must rotate. Clients whose tokens do not: ": [
                client for client in public if client.has_lasting_tokens
            ],
            "OWASP ASVS 5.0, 10.4.8: refresh tokens must have an end that no use puts off. Clients with "
            "`infinite_token_lifetime`: ": [client for client in _live(tenant_file) if _has_endless_tokens(client)],
            "Whoever knows a public client's id may ask for every scope of every API unless it has `apis`. "
            "Clients without: ": [client for client in public if client.has_password_grant and client.apis is None],
            "RFC 7617 2: in HTTP Basic the first colon ends the client_id. These clients have to form-encode theirs, "
            "or to send `client_id` in the body too: ": [client for client in _live(tenant_file) if client.has_cut_id],
        }
    )


def _has_endless_tokens(client: Client) -> bool:
    return REFRESH_TOKEN in client.grant_types and client.refresh_token.infinite_token_lifetime


def _open_names(tenant_file: TenantFile) -> list[str]:
    """Return a warning of realms in which a stranger may sign up under a name of somebody who has not moved yet."""
    importing = [realm for realm in tenant_file.realms if realm.import_from and realm.signup.enabled]
    realms = [one.name for one in importing if not one.signup.requires_verified_email or "username" in one.identifiers]
    words = (
        "A sign-up takes the name of somebody who has not moved, who cannot log in here then. Turn sign-ups off, or "
        "let people in by `email` alone and set `signup.requires_verified_email`. Realms with `import_from`: "
    )
    return [words + ", ".join(realms)] if realms else []


def _of_clients(sentences: dict[str, list[Client]]) -> list[str]:
    named = ((words, ", ".join(client.client_id for client in clients)) for words, clients in sentences.items())
    return [words + names for words, names in named if names]


def _live(tenant_file: TenantFile) -> list[Client]:
    return [client for client in tenant_file.clients if not client.disabled]


def _names(tenant_file: TenantFile) -> dict[str, list[str]]:
    return {
        "realms": [realm.name for realm in tenant_file.realms],
        "apis": [api.identifier for api in tenant_file.apis],
        "clients": [client.client_id for client in tenant_file.clients],
        "roles": [role.name for role in tenant_file.roles],
    }
