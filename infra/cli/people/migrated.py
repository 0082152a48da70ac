"""`gatehouse users migrated`: how far the people of a realm with a legacy store have moved."""

import time
from datetime import datetime
from typing import Annotated

import typer

from infra.cli.options import JsonOption, RealmOption, StageOption, console, reports_failures, show_progress
from infra.cli.output.tables import print_json, print_table
from infra.stage.aws import reach
from infra.stage.people import People

DAY_S = 86_400


@reports_failures
def migrated(
    realm: RealmOption,
    stage: StageOption,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day; by default the last 24 hours count.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Count the people of a realm, and those whom their first login moved here. Reads all people."""
    people = People.of(reach(stage), realm)
    begin = int(since.timestamp()) if since else int(time.time()) - DAY_S
    moved_at = [user.migrated_at for user in show_progress(people.records.all(), "people read")]
    moved = [at for at in moved_at if at]
    counts = {"users": len(moved_at), "migrated": len(moved), "migrated_since": sum(at >= begin for at in moved)}
    if as_json:
        print_json(console, {"realm": people.realm.name, **counts, "since": begin})
    else:
        rows = [(name.replace("_", " "), str(number)) for name, number in counts.items()]
        print_table(console, (f"realm {people.realm.name}", "people"), rows)
