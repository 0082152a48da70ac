"""`gatehouse check FILE`: whether a tenant file is fine, and which clients may send passwords."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.faults import TenantFileError
from infra.tenant_file import Client, TenantFile, load

FAULTY = 2


def check(file: Annotated[Path, typer.Argument(help="The tenant file, such as infra/demo-tenant.yaml.")]) -> None:
    """Check a tenant file: all of its faults at once, each with its line and its mend."""
    tenant_file = load_or_exit(file)
    typer.echo(f"{file}: fine")
    console = Console()
    console.print(_summary(tenant_file))
    for words, clients in _warnings(tenant_file).items():
        _warn(words, clients, console)
    warn_of_password_grants(tenant_file, console)


def load_or_exit(path: Path) -> TenantFile:
    """Return the tenant file at path; where it has faults, print them to stderr and leave with code 2."""
    try:
        return load(path)
    except TenantFileError as error:
        faults = str(error)
    typer.echo(faults, err=True)
    raise typer.Exit(FAULTY)


def warn_of_password_grants(tenant_file: TenantFile, console: Console) -> None:
    """Print which clients may send people's passwords; nothing where none may. Source: RFC 9700 2.4."""
    words = "RFC 9700 2.4: the password grant must not be used; redirect wherever you can. Clients that have it: "
    _warn(words, [client for client in _live(tenant_file) if client.has_password_grant], console)


def _warnings(tenant_file: TenantFile) -> dict[str, list[Client]]:
    """Return what the operator should know, each with the clients that it is true of."""
    senders = [client for client in _live(tenant_file) if client.has_password_grant]
    public = [client for client in _live(tenant_file) if client.is_public]
    owes_factor = tenant_file.mfa.policy == "always"
    return {
        "With `mfa.policy: always` nobody logs in through a client without an MFA grant. Clients that have none: ": [
            client for client in senders if owes_factor and not client.has_mfa_grant
        ],
        "RFC 9700 2.2.2: the refresh tokens of a public client must rotate. Clients whose tokens do not: ": [
            client for client in public if client.has_lasting_tokens
        ],
        "Whoever knows a public client's id may ask for every scope of every API unless it has `apis`. "
        "Clients without: ": [client for client in public if client.has_password_grant and client.apis is None],
        "RFC 7617 2: in HTTP Basic the first colon ends the client_id. These clients have to form-encode theirs, "
        "or to send `client_id` in the body too: ": [client for client in _live(tenant_file) if client.has_cut_id],
    }


def _live(tenant_file: TenantFile) -> list[Client]:
    return [client for client in tenant_file.clients if not client.disabled]


def _warn(words: str, clients: list[Client], console: Console) -> None:
    if clients:
        # Text, as a client_id may hold what Rich reads as markup; soft_wrap keeps one line for those who grep.
        names = ", ".join(client.client_id for client in clients)
        console.print(Text(words + names, style="yellow"), soft_wrap=True)


def _summary(tenant_file: TenantFile) -> Table:
    table = Table("what", "how many", "names")
    rows = {
        "realms": [realm.name for realm in tenant_file.realms],
        "APIs": [api.identifier for api in tenant_file.apis],
        "clients": [client.client_id for client in tenant_file.clients],
    }
    for what, names in rows.items():
        table.add_row(what, str(len(names)), Text("\n".join(names)))
    return table
