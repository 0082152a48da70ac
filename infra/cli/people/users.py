"""`gatehouse users`: the users of one realm."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from chalicelib.model.user import User
from chalicelib.store.people.counts import recount
from infra.cli.audit import auditing
from infra.cli.options import (
    JsonOption,
    RealmOption,
    StageOption,
    console,
    read_line,
    read_password,
    reports_failures,
    show_progress,
)
from infra.cli.output.tables import print_json, print_table, utc
from infra.errors import OperatorError
from infra.stage.aws import Stage, reach
from infra.stage.people import People

users = typer.Typer(name="users", help="Add, find, change and delete the users of a realm.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(help="A username, an email or a user_id.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
COLUMNS = ("user_id", "username", "email", "name", "blocked", "last login", "logins")
TIMES = ("created_at", "updated_at", "last_password_reset", "last_login")
# Hashes are useless to the operator and worth stealing; the versions are internal.
UNSHOWN = (
    "password_hash",
    "password_history",
    "credential_version",
    "password_version",
    "families_version",
    "revocations",
    "family_counts",
    "attempt_counts",
    "has_old_shape",
)


@users.command()
@reports_failures
def add(
    realm: RealmOption,
    stage: StageOption,
    username: Annotated[str, typer.Option(help="The username to log in with.")] = "",
    email: Annotated[
        str, typer.Option(help="The email address; works for a login too, if the realm's identifiers say so.")
    ] = "",
    name: Annotated[str, typer.Option(help="The full name.")] = "",
    user_id: Annotated[
        str, typer.Option(help="The user_id of an imported user. A new one is made if it is left out.")
    ] = "",
    email_verified: Annotated[bool, typer.Option("--email-verified", help="The address is verified.")] = False,
    password_stdin: PasswordStdin = False,
    password_hash_stdin: Annotated[
        bool,
        typer.Option("--password-hash-stdin", help="Read a bcrypt hash made elsewhere from standard input instead."),
    ] = False,
) -> None:
    """Add a user; ask for the password unless standard input has it, or its hash."""
    if password_stdin and password_hash_stdin:
        raise OperatorError("Standard input holds one of the two: give --password-stdin or --password-hash-stdin.")
    reached = reach(stage)
    people = People.of(reached, realm)
    password_hash = read_line() if password_hash_stdin else None
    password = None if password_hash_stdin else read_password(password_stdin)
    fields = {"username": username, "email": email, "name": name, "email_verified": email_verified}
    own_id = {"user_id": user_id} if user_id else {}
    with auditing(reached, "users add", realm=people.realm.name, user=user_id or username or email) as audited:
        user = people.add(password, password_hash, **fields | own_id)
        audited.whom["user"] = user.user_id
    console.print(user.user_id)


@users.command("list")
@reports_failures
def list_(realm: RealmOption, stage: StageOption, as_json: JsonOption = False) -> None:
    """List all users."""
    found = show_progress(People.of(reach(stage), realm).records.all(), "people read")
    all_users = sorted(found, key=lambda user: user.created_at)
    if as_json:
        print_json(console, [_as_dict(user) for user in all_users])
    else:
        print_table(console, COLUMNS, [_row(user) for user in all_users])


@users.command()
@reports_failures
def count(realm: RealmOption, stage: StageOption, as_json: JsonOption = False) -> None:
    """Count all users, and set by it the `total` that lists of the Management API name."""
    reached = reach(stage)
    people = People.of(reached, realm)
    found = show_progress(people.records.all(), "people read")
    with auditing(reached, "users count", realm=people.realm.name):
        before, now = recount(people.records.dynamo, people.records.table, found)
    if as_json:
        print_json(console, {"realm": people.realm.name, "users": now, "total_before": before})
    else:
        print_table(console, ("realm", "users", "total before"), [(people.realm.name, str(now), str(before))])


@users.command()
@reports_failures
def show(who: Who, realm: RealmOption, stage: StageOption, as_json: JsonOption = False) -> None:
    """Show one user, without the password's hash."""
    shown = _as_dict(People.of(reach(stage), realm).find(who))
    if as_json:
        print_json(console, shown)
    else:
        print_table(console, (), [(name, _cell(name, value)) for name, value in shown.items()])


@users.command("set-password")
@reports_failures
def set_password(who: Who, realm: RealmOption, stage: StageOption, password_stdin: PasswordStdin = False) -> None:
    """Set a user's password, lift brute-force blocks, and end refresh tokens unless the tenant keeps them."""
    reached = reach(stage)
    people, user = _find_user(who, realm, reached)
    password = read_password(password_stdin)
    with auditing(reached, "users set-password", realm=people.realm.name, user=user.user_id):
        people.set_password(user, password)
    console.print(f"{user.user_id}: the password is set.")


@users.command()
@reports_failures
def block(who: Who, realm: RealmOption, stage: StageOption) -> None:
    """Block a user: the right password is answered with 403 from now on, and all refresh tokens end."""
    reached = reach(stage)
    people, user = _find_user(who, realm, reached)
    with auditing(reached, "users block", realm=people.realm.name, user=user.user_id):
        people.set_blocked(user, True)
    console.print(f"{user.user_id} is blocked.")


@users.command()
@reports_failures
def unblock(who: Who, realm: RealmOption, stage: StageOption) -> None:
    """Unblock a user, and lift the brute-force blocks too."""
    reached = reach(stage)
    people, user = _find_user(who, realm, reached)
    with auditing(reached, "users unblock", realm=people.realm.name, user=user.user_id):
        people.set_blocked(user, False)
    console.print(f"{user.user_id} is not blocked.")


@users.command()
@reports_failures
def delete(who: Who, realm: RealmOption, stage: StageOption, yes: Yes = False) -> None:
    """Delete a user. Their username and email are free again; their user_id never is."""
    reached = reach(stage)
    people, user = _find_user(who, realm, reached)
    if not yes:
        typer.confirm(f"Delete {user.user_id} ({user.username or user.email}) for good?", abort=True)
    with auditing(reached, "users delete", realm=people.realm.name, user=user.user_id):
        people.delete(user)
    console.print(f"{user.user_id} is deleted.")


def _find_user(who: str, realm: str, stage: Stage) -> tuple[People, User]:
    """Return the users of a realm, and the named one. Raises OperatorError if there is none."""
    people = People.of(stage, realm)
    return people, people.find(who)


def _as_dict(user: User) -> dict[str, Any]:
    return {name: value for name, value in asdict(user).items() if name not in UNSHOWN}


def _row(user: User) -> tuple[str, ...]:
    blocked, last = "blocked" if user.blocked else "", _time(user.last_login)
    return user.user_id, user.username, user.email, user.name, blocked, last, str(user.logins_count)


def _cell(name: str, value: Any) -> str:
    if name in TIMES:
        return _time(value)
    if name == "permissions":
        return ", ".join(f"{one['value']} of {one['api']}" for one in value)
    if name == "roles":
        return ", ".join(value)
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _time(epoch_s: int) -> str:
    return utc(epoch_s) if epoch_s else ""
