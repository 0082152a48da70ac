"""`gatehouse tokens`: the refresh tokens that a person has out, by client; end one, a client's or all."""

from typing import Annotated

import typer

from infra.aws import reach
from infra.commands import JsonOption, RealmOption, StageOption, console, reports_failures
from infra.people import People, Refused
from infra.tables import print_json, print_table, utc

tokens = typer.Typer(name="tokens", help="List and end the refresh tokens of a person.", no_args_is_help=True)

UserOption = Annotated[str, typer.Option("--user", "-u", help="A username, an email or a user_id.")]


@tokens.command("list")
@reports_failures
def list_(user: UserOption, realm: RealmOption, stage: StageOption, as_json: JsonOption = False) -> None:
    """List a person's live families: one per login, whatever number of tokens it has seen."""
    people = People.of(reach(stage), realm)
    rows = [
        {
            "family": family.locator.family_id,
            "client_id": family.client_id,
            "audience": family.audience,
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
    user: UserOption,
    realm: RealmOption,
    stage: StageOption,
    family: Annotated[str, typer.Option(help="End this family alone.")] = "",
    client: Annotated[str, typer.Option(help="End this client's families alone.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="End all of the person's families.")] = False,
) -> None:
    """End one family, those of one client, or all. Access tokens that are out live on until they end."""
    if sum(map(bool, (family, client, everything))) != 1:
        raise Refused("Say which: --family ID, --client ID or --all.")
    people = People.of(reach(stage), realm)
    person = people.find(user)
    if family:
        people.end_family(person, family)
    count = 1 if family else people.end_families(person, client)
    console.print(f"{person.user_id}: ended {count}.")
