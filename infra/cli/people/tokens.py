"""`gatehouse tokens`: list a user's refresh families, and end them, one by one or many at once."""

from typing import Annotated

import typer

from chalicelib.store.revocations import RevocationStore
from infra.cli.audit import auditing
from infra.cli.options import JsonOption, RealmOption, StageOption, console, reports_failures
from infra.cli.output.tables import print_json, print_table, utc
from infra.errors import OperatorError
from infra.stage.aws import Stage, reach
from infra.stage.people import People, find_realm

tokens = typer.Typer(name="tokens", help="List and end refresh tokens.", no_args_is_help=True)

UserOption = Annotated[str, typer.Option("--user", "-u", help="A username, an email or a user_id.")]


@tokens.command("list")
@reports_failures
def list_(user: UserOption, realm: RealmOption, stage: StageOption, as_json: JsonOption = False) -> None:
    """List a user's live refresh families: one for each login, with all tokens that followed from it."""
    people = People.of(reach(stage), realm)
    rows = [
        {
            "family": family.key.family_id,
            "client_id": family.client_id,
            "audience": family.audience or "",
            "scope": " ".join(family.scopes),
            "created": utc(family.created_at),
            "from": family.created_ip,
            "last_used": utc(family.last_used_at),
            "last_from": family.last_used_ip,
            "ends": utc(family.ends_at) if family.ends_at else "never",
        }
        for family in people.live_families(people.find(user))
    ]
    if as_json:
        print_json(console, rows)
        return
    cells = [
        (
            row["family"],
            row["client_id"],
            f"{row['created']}\n{row['from']}",
            f"{row['last_used']}\n{row['last_from']}",
            row["ends"],
        )
        for row in rows
    ]
    print_table(console, ("family", "client", "created, from", "last used, from", "ends"), cells)


@tokens.command()
@reports_failures
def revoke(
    stage: StageOption,
    user: Annotated[str, typer.Option("--user", "-u", help="Whose: a username, an email or a user_id.")] = "",
    realm: Annotated[str, typer.Option("--realm", "-r", help="The user's realm, or all users of this one.")] = "",
    family: Annotated[str, typer.Option(help="End this family of the user alone.")] = "",
    client: Annotated[str, typer.Option(help="End this client's families alone: the user's, or all.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="End all families of the user.")] = False,
    everybody: Annotated[bool, typer.Option("--everybody", help="End all families of all users.")] = False,
) -> None:
    """End refresh families at once: of a user, a client, a realm or the stage. Access tokens of APIs live on."""
    if not user:
        return _revoke_at_large(stage, realm, client, is_whole_stage=everybody, is_personal=bool(family or everything))
    if everybody or sum(map(bool, (family, client, everything))) != 1:
        raise OperatorError("Say which: --family ID, --client ID or --all.")
    if not realm:
        raise OperatorError("Name the user's realm: --realm NAME.")
    reached = reach(stage)
    people = People.of(reached, realm)
    person = people.find(user)
    with auditing(reached, "tokens revoke", realm=people.realm.name, user=person.user_id, client=client, family=family):
        if family:
            people.end_family(person, family)
        count = 1 if family else people.end_families(person, client)
    console.print(f"{person.user_id}: ended {count}.")
    return None


def _revoke_at_large(stage_name: str, realm: str, client: str, *, is_whole_stage: bool, is_personal: bool) -> None:
    if is_personal:
        raise OperatorError("Say whose family: --user NAME --realm NAME.")
    if is_whole_stage == bool(realm or client):
        raise OperatorError(
            "Say whose: --user NAME --realm NAME, or at large --client ID, --realm NAME, both, or --everybody."
        )
    stage = reach(stage_name)
    names = _realms(stage, realm, client)
    revocations = RevocationStore(stage.dynamo, f"{stage.prefix}sessions")
    with auditing(stage, "tokens revoke", realm=names, client=client):
        for name in names:
            revocations.revoke(name, client or None)
    through = f" through client {client}" if client else ""
    console.print(f"Ended all refresh tokens of {', '.join(names)}{through}.")


def _realms(stage: Stage, realm: str, client: str) -> list[str]:
    """Return the realms to revoke in: the named one, or all. Raises OperatorError for an unknown realm or client."""
    keys = [key for key, _ in stage.config().documents()]
    if client and f"client#{client}" not in keys:
        raise OperatorError(f"Stage {stage.name} has no client {client}.")
    if realm:
        return [find_realm(stage, realm).name]
    return sorted(key.removeprefix("realm#") for key in keys if key.startswith("realm#"))
