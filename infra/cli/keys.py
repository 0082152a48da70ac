"""`gatehouse keys`: the signing keys of a stage, their rotation by hand, and how one is taken out."""

import re
import time
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from chalicelib.model.key import SigningKey
from chalicelib.rotation.steps import PUBLISH_S, status_ends_at
from infra.cli.audit import auditing
from infra.cli.options import JsonOption, StageOption, console, reports_failures
from infra.cli.output.plan import as_json, show
from infra.cli.output.tables import print_json, print_table, utc
from infra.errors import OperatorError
from infra.stage.aws import Stage, reach
from infra.stage.changes import in_words
from infra.stage.keys import find_signing_key, read_rotation_days, rotate, take_out

keys = typer.Typer(name="keys", help="List, rotate, retire and revoke a stage's signing keys.", no_args_is_help=True)

COLUMNS = ("kid", "alg", "status", "age_days", "since", "until")
DAY_S = 86_400
KID_LIKE_OPTION = re.compile("-[A-Za-z0-9_-]{42}")
Kid = Annotated[str, typer.Argument(metavar="KID", help="The kid of a key, as `keys list` shows it.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ENDED = "Every token that it signed stops verifying. Apps with a refresh token get new ones; other people log in again."
CACHED = "APIs that cache the JWKS take its tokens until they read it anew, our own endpoints for a minute."
UNPUBLISHED = "The key in its place signs at once: APIs that cache the JWKS refuse its tokens until they read it anew."
RETRIED = "A login that meets a process with the old key set is answered with 503, and succeeds when it is tried again."


class KidCommand(TyperCommand):
    """A command whose KID may begin with `-`, as one of 64 does: it is no option."""

    # The context's type has no public name.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put such a KID last, after `--`."""
        kids = [arg for arg in args if KID_LIKE_OPTION.fullmatch(arg)]
        return super().parse_args(ctx, [*(arg for arg in args if arg not in kids), *(["--", *kids] if kids else [])])


@keys.command("list")
@reports_failures
def list_(stage: StageOption, in_json: JsonOption = False) -> None:
    """List the keys as the JWKS publishes them, with their age and when their status ends at the earliest."""
    reached = reach(stage)
    known, days, now = reached.config().keys(), read_rotation_days(reached), int(time.time())
    rows = [_row(key, known.of(key.alg), days, now) for key in known.keys]
    if in_json:
        print_json(console, rows)
        return
    print_table(console, COLUMNS, [["" if row[name] is None else str(row[name]) for name in COLUMNS] for row in rows])
    schedule = f"A key signs for {days} days" if days else "Nothing rotates by itself"
    console.print(f"{schedule} (keys.rotation_days: {days}).")


def _row(key: SigningKey, keys_of_alg: tuple[SigningKey, ...], days: int, now: int) -> dict[str, Any]:
    until = status_ends_at(key, keys_of_alg, days * DAY_S)
    return {
        "kid": key.kid,
        "alg": key.alg,
        "status": key.status,
        "age_days": (now - key.since) // DAY_S,
        "since": utc(key.since),
        "until": None if until is None else utc(until),
        "key_arn": key.key_arn,
        "rotation_days": days,
    }


@keys.command("rotate")
@reports_failures
def rotate_command(stage: StageOption, in_json: JsonOption = False) -> None:
    """Take each algorithm one step: publish a next key; once it is known everywhere, sign with it; retire the old one.

    Run it again after two hours and ten minutes, and after the longest token lifetime; it says what it waits for.
    """
    reached = reach(stage)
    with auditing(reached, "keys rotate") as audited:
        changes, waits = rotate(reached, int(time.time()))
        audited.whom["changes"] = in_words(changes)
    if in_json:
        print_json(console, as_json(stage, changes) | {"waits": waits})
        return
    show(console, f"Keys of stage {stage}", changes)
    for wait in waits:
        console.print(wait)


@keys.command("retire", cls=KidCommand)
@reports_failures
def retire(kid: Kid, stage: StageOption, yes: Yes = False, in_json: JsonOption = False) -> None:
    """Take a previous key out of the JWKS, and disable it in KMS, once its last token has ended; with --yes earlier."""
    reached = reach(stage)
    key, now = find_signing_key(reached, kid), int(time.time())
    if key.status != "previous":
        raise OperatorError(
            f"{kid} is the {key.status} key. Replace it by `gatehouse keys rotate`, or if it leaked by `keys revoke`."
        )
    left_s = (status_ends_at(key, (), 0) or now) - now
    if left_s > 0:
        _ask(f"Tokens of {kid} live for up to {left_s // DAY_S + 1} more days. {ENDED} {CACHED}", yes)
    _take_out(reached, "keys retire", key, now, in_json)


@keys.command("revoke", cls=KidCommand)
@reports_failures
def revoke(kid: Kid, stage: StageOption, yes: Yes = False, in_json: JsonOption = False) -> None:
    """Take a leaked key out of the JWKS at once, and disable it in KMS. Another one signs at once in its place."""
    reached = reach(stage)
    key, now = find_signing_key(reached, kid), int(time.time())
    _ask(f"{kid} is the {key.status} {key.alg} key. {_cost(reached, key, now)}", yes)
    _take_out(reached, "keys revoke", key, now, in_json)


def _cost(stage: Stage, key: SigningKey, now: int) -> str:
    """Return what a revocation costs, for the operator."""
    if key.status == "next":
        return "It has signed nothing yet, and nobody notices."
    if key.status == "previous":
        return f"{ENDED} {CACHED}"
    published = [one for one in stage.config().keys().of(key.alg) if one.status == "next"]
    is_known = any(now - one.since >= PUBLISH_S for one in published)
    return " ".join([ENDED, CACHED, *([] if is_known else [UNPUBLISHED]), RETRIED])


def _ask(cost: str, yes: bool) -> None:
    typer.echo(cost, err=True)
    if not yes:
        typer.confirm("Take it out?", abort=True, err=True)


def _take_out(stage: Stage, command: str, key: SigningKey, now: int, in_json: bool) -> None:
    with auditing(stage, command, kid=key.kid) as audited:
        changes = take_out(stage, key, now)
        audited.whom["changes"] = in_words(changes)
    if in_json:
        print_json(console, as_json(stage.name, changes))
    else:
        show(console, f"Keys of stage {stage.name}", changes)
