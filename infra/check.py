"""`gatehouse check FILE`: whether a tenant file is fine, and which clients may send passwords."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.faults import TenantFileError
from infra.tenant_file import TenantFile, load

FAULTY = 2


def check(file: Annotated[Path, typer.Argument(help="The tenant file, such as infra/demo-tenant.yaml.")]) -> None:
    """Check a tenant file: all of its faults at once, each with its line and its mend."""
    tenant_file = load_or_exit(file)
    typer.echo(f"{file}: fine")
    console = Console()
    console.print(_summary(tenant_file))
    warn_of_password_grants(tenant_file, console)
    _warn_of_missing_mfa_grants(tenant_file, console)


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
    names = [client.client_id for client in tenant_file.clients if client.has_password_grant]
    if names:
        words = "RFC 9700 2.4: the password grant must not be used; redirect wherever you can. Clients that have it: "
        # Text, as a client_id may hold what Rich reads as markup; soft_wrap keeps one line for those who grep.
        console.print(Text(words + ", ".join(names), style="yellow"), soft_wrap=True)


def _warn_of_missing_mfa_grants(tenant_file: TenantFile, console: Console) -> None:
    """Print which clients can log nobody in, as each login owes a second factor that they may not show."""
    clients = [client for client in tenant_file.clients if client.has_password_grant and not client.has_mfa_grant]
    if clients and tenant_file.mfa.policy == "always":
        words = (
            "With `mfa.policy: always` nobody logs in through a client without an MFA grant. Clients that have none: "
        )
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
