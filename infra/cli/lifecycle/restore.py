"""`gatehouse restore`: put a realm's people back to a moment of point-in-time recovery."""

import shlex
from datetime import UTC, datetime
from typing import Annotated

import typer

from infra.cli.audit import auditing
from infra.cli.options import RealmOption, StageOption, console, reports_failures
from infra.cli.output.tables import print_table, utc
from infra.stage.aws import Stage, reach
from infra.stage.people import find_realm
from infra.stage.restore.comparison import Comparison, compare
from infra.stage.restore.moment import in_iso, parse_moment
from infra.stage.restore.restore import Restore

QUESTION = "Put this under the realm's own name? Its logins are refused with 503 until that is done"
BACK = (
    "Everybody logs in anew. What people changed since is as it was: passwords, second factors, used recovery codes, "
    "blocks, roles and profiles."
)


@reports_failures
def restore(
    realm: RealmOption,
    stage: StageOption,
    at: Annotated[str, typer.Option("--at", help="The moment: 2026-11-26T10:00:00Z, 90m ago, 2h ago or 3d ago.")],
    beside_only: Annotated[
        bool, typer.Option("--beside-only", help="Restore into a table beside, compare, and change nothing else.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Put a realm's people back to a moment, after a look at what that changes. Safe to run again if interrupted."""
    reached, moment = reach(stage), parse_moment(at, datetime.now(UTC))
    found = find_realm(reached, realm)
    restoring = Restore(reached, found.users_table, moment, console.print)
    if restoring.is_done():
        console.print(f"Realm {found.name} was put back to {in_iso(moment)} already.")
        return
    with auditing(reached, "restore", realm=found.name, at=in_iso(moment)) as audited:
        restoring.make_beside()
        if restoring.has_old_table():
            compared = compare(reached, restoring.beside, restoring.table)
            _show(compared, moment)
            _show_deleted(compared, f"--stage {stage} --realm {found.name}")
            if beside_only or not (yes or typer.confirm(QUESTION)):
                audited.whom["put_in_place"] = "no"
                _show_beside(reached, restoring)
                return
        elif beside_only:
            console.print("The realm's table is deleted already: without --beside-only, this command goes on.")
            return
        restoring.put_in_place()
    console.print(f"Realm {found.name} is as it was at {in_iso(moment)}. {BACK}")


def _show(compared: Comparison, moment: datetime) -> None:
    then, now = compared.then, compared.now
    rows = [
        ("people", str(len(then.credentials)), str(len(now.credentials))),
        ("last change", _time(then.last_change), _time(now.last_change)),
        ("last login", _time(then.last_login), _time(now.last_login)),
    ]
    print_table(console, ("", in_iso(moment), "now"), rows)
    changes = [
        (len(compared.made_since), "who were made since would be gone"),
        (compared.count_changed("password_version"), "would have their password of then"),
        (compared.count_changed("multifactor"), "would have other kinds of second factors, those of then"),
        (compared.count_changed("blocked"), "would be blocked, or free, as they were then"),
        (len(compared.deleted_since), "who were deleted since would be back"),
    ]
    for count, words in changes:
        if count:
            console.print(f"{count} people {words}.")


def _show_deleted(compared: Comparison, options: str) -> None:
    """Print who would come back, with the command that erases them again, to copy. options: of the stage and realm."""
    for user_id in compared.deleted_since:
        again = f"gatehouse users erase {shlex.quote(user_id)} {options}"
        console.print(f"Deleted since: {user_id}. To erase them again: {again}")


def _show_beside(stage: Stage, restoring: Restore) -> None:
    again = f"the same command with --at {in_iso(restoring.at)}"
    console.print(f"Table {restoring.beside} stays, and stage {stage.name} is as it was. To go on: {again}.")
    console.print(f"To give it up: aws dynamodb delete-table --table-name {restoring.beside}")


def _time(epoch_s: int) -> str:
    return utc(epoch_s) if epoch_s else ""
