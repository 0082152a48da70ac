"""`gatehouse users history`: when each second factor of a user was added and removed."""

import time
from dataclasses import asdict

from chalicelib.model.enrolment import forget_old
from infra.cli.options import JsonOption, RealmOption, StageOption, console, reports_failures
from infra.cli.output.tables import print_json, print_table, utc
from infra.cli.people.users import Who
from infra.stage.aws import reach
from infra.stage.second_factors import SecondFactors

COLUMNS = ("time", "what", "factor", "name")


@reports_failures
def history(who: Who, realm: RealmOption, stage: StageOption, as_json: JsonOption = False) -> None:
    """Show when each second factor of a user was added and removed, and recovery codes were used, within a year."""
    changes = forget_old(SecondFactors.of(reach(stage), realm).find_session(who).enrolment.history, int(time.time()))
    if as_json:
        print_json(console, [asdict(change) for change in changes])
    else:
        print_table(console, COLUMNS, [(utc(one.at), one.action, one.kind, one.name) for one in changes])
