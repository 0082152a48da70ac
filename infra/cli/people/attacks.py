"""`gatehouse attacks`: show and clear the counters of attack protection."""

from dataclasses import asdict
from typing import Annotated

import typer

from chalicelib.model.address import parse_address
from chalicelib.protection.counters import CounterState
from infra.cli.audit import auditing
from infra.cli.options import JsonOption, RealmOption, StageOption, console, reports_failures
from infra.cli.output.tables import print_json, print_table, utc
from infra.errors import OperatorError
from infra.stage.attacks import Attacks
from infra.stage.aws import reach

attacks = typer.Typer(
    name="attacks", help="Show and lift the blocks of attack protection, by user or address.", no_args_is_help=True
)

UserOption = Annotated[str, typer.Option("--user", "-u", help="A username, an email or a user_id; with --realm.")]
AddressOption = Annotated[str, typer.Option("--address", "-a", help="An IP address.")]
COLUMNS = ("of", "account", "address", "failed", "limit", "state", "until")


@attacks.command()
@reports_failures
def status(
    stage: StageOption,
    realm: RealmOption = "",
    user: UserOption = "",
    address: AddressOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show the counters of a user or an address, or with --realm alone the blocks of the whole realm."""
    rows = [_in_words(row) for row in _rows(Attacks(reach(stage)), realm, user, address)]
    if as_json:
        print_json(console, rows)
    else:
        print_table(console, COLUMNS, [[str(row[name]) for name in COLUMNS] for row in rows])


@attacks.command()
@reports_failures
def unblock(stage: StageOption, realm: RealmOption = "", user: UserOption = "", address: AddressOption = "") -> None:
    """Clear the failures of a user from all addresses, or of an address at all users."""
    reached = reach(stage)
    found = Attacks(reached)
    if not _names_one(realm, user, address):
        raise OperatorError("Say whom: --realm REALM --user USER, or --address ADDRESS.")
    with auditing(reached, "attacks unblock", realm=realm, user=user, address=address) as audited:
        freed = found.unblock_user(realm, user) if user else found.unblock_address(address)
        audited.whom["freed"] = freed
    console.print(f"{freed}: forgotten.")


def _in_words(row: CounterState) -> dict[str, str | int]:
    """Return a counter as it is printed, with its time in words."""
    return asdict(row) | {"until": utc(row.until) if row.until else ""}


def _rows(found: Attacks, realm: str, user: str, address: str) -> list[CounterState]:
    if realm and not user and not address:
        return found.of_realm(realm)
    if not _names_one(realm, user, address):
        raise OperatorError("Say whose: --realm REALM, with --user USER or without, or --address ADDRESS.")
    return found.of_user(realm, user) if user else found.of_address(address)


def _names_one(realm: str, user: str, address: str) -> bool:
    """Return whether this names one user of a realm, or one address. Raises OperatorError for no IP address."""
    if address and parse_address(address) is None:
        raise OperatorError(f"{address} is no IP address.")
    return bool(realm and user and not address) or bool(address and not realm and not user)
