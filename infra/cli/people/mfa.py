"""`gatehouse users mfa`: the second factors of one user."""

from typing import Any

import typer

from infra.cli.audit import auditing
from infra.cli.options import JsonOption, RealmOption, StageOption, console, reports_failures
from infra.cli.output.qr_code import draw_qr_code
from infra.cli.output.tables import print_json, print_table
from infra.cli.people.users import Who, Yes
from infra.stage.aws import reach
from infra.stage.second_factors import SecondFactors, kind_of, list_factors

mfa = typer.Typer(name="mfa", help="List, reset and enroll the second factors of a user.", no_args_is_help=True)


@mfa.command("list")
@reports_failures
def list_(who: Who, realm: RealmOption, stage: StageOption, as_json: JsonOption = False) -> None:
    """List a user's second factors, with those that are unconfirmed or not offered any more."""
    listed = list_factors(SecondFactors.of(reach(stage), realm).find_session(who))
    if as_json:
        print_json(console, listed)
    else:
        print_table(console, ("kind", "name", "active", "id"), [_cells(one) for one in listed])


@mfa.command()
@reports_failures
def reset(who: Who, realm: RealmOption, stage: StageOption, yes: Yes = False) -> None:
    """Remove a user's second factors and recovery code, and lift the limits on codes and messages."""
    reached = reach(stage)
    factors = SecondFactors.of(reached, realm)
    session = factors.find_session(who)
    user = session.user
    if not yes:
        typer.confirm(f"Remove all second factors of {user.user_id} ({user.username or user.email})?", abort=True)
    with auditing(reached, "users mfa reset", realm=session.realm.name, user=user.user_id):
        factors.reset(session)
    console.print(f"{user.user_id} has no second factor any more.")


@mfa.command()
@reports_failures
def enroll(who: Who, realm: RealmOption, stage: StageOption, as_json: JsonOption = False) -> None:
    """Give a user a confirmed authenticator app; show its secret and QR code, this once.

    With the first factor comes a recovery code, if the tenant has them; it is shown this once too.
    """
    reached = reach(stage)
    factors = SecondFactors.of(reached, realm)
    session = factors.find_session(who)
    with auditing(reached, "users mfa enroll", realm=session.realm.name, user=session.user.user_id):
        made = factors.enroll(session)
    if as_json:
        print_json(console, made)
        return
    console.print(draw_qr_code(made["barcode_uri"]))
    once = [("secret", made["secret"]), *(("recovery code", code) for code in made.get("recovery_codes", []))]
    for what, text in once:
        console.print(f"{session.user.user_id}: the {what}, shown only now: {text}")


def _cells(one: dict[str, Any]) -> tuple[str, str, str, str]:
    is_true = {"active": one["active"], "not offered any more": not one["offered"]}
    return kind_of(one), one.get("name", ""), ", ".join(words for words, holds in is_true.items() if holds), one["id"]
