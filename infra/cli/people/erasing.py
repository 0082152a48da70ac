"""`gatehouse users erase`: remove all that a stage has of a person."""

import sys

import typer

from chalicelib.model.clock import SystemClock
from chalicelib.store.people.enrolments import EnrolmentStore
from infra.cli.audit import auditing
from infra.cli.options import JsonOption, RealmOption, StageOption, console, reports_failures, show_progress
from infra.cli.output.escapes import printable
from infra.cli.output.tables import print_json, print_table
from infra.cli.people.users import Who, Yes
from infra.errors import OperatorError
from infra.move.leaving.erasure import Erased, Erasure
from infra.move.leaving.traces import Traces
from infra.stage.aws import Stage, reach
from infra.stage.keys import stage_key
from infra.stage.people import People, may_be_somebody


@reports_failures
def erase(who: Who, realm: RealmOption, stage: StageOption, yes: Yes = False, as_json: JsonOption = False) -> None:
    """Remove a user from every table of the stage, and prove it by reading each. Reads all items of all tables."""
    reached = reach(stage)
    people = People.of(reached, realm)
    erasure = _erasure(reached, people, who)
    user = erasure.user
    if not yes:
        _confirm(f"{user.user_id} ({user.username or user.email})" if user else f"what is left of {who}")
    # The log is kept for long, and an email has no place there.
    named = user.user_id if user else who.partition("|")[1] and who
    with auditing(reached, "users erase", realm=people.realm.name, user=named):
        erased = erasure.run()
    if not user and not any(erased.removed.values()):
        raise OperatorError(f"Realm {people.realm.name} has no user {who}, and nothing is left of one.")
    _show(people.realm.name, erasure.traces.user_id, erased, as_json)


def _erasure(stage: Stage, people: People, who: str) -> Erasure:
    if not may_be_somebody(who):
        # An empty name would be that of each item without one.
        raise OperatorError(f"Realm {people.realm.name} has no user {who}.")
    user = people.look_up(who)
    user_id = user.user_id if user else who
    enrolments = EnrolmentStore(stage.dynamo, people.realm, SystemClock(), people.tell)
    enrolment = stage.dynamo.read(enrolments.read_of(user_id))
    traces = Traces.of(people.realm.name, user_id, user, enrolment, stage_key(stage).mac)
    return Erasure(stage, people, traces, user, show_progress)


def _confirm(whom: str) -> None:
    """Ask whether to go on. Raises OperatorError if there is nobody to ask."""
    if not sys.stdin.isatty():
        raise OperatorError("Give --yes: there is no terminal to ask at.")
    typer.confirm(f"Erase {whom} for good?", abort=True)


def _show(realm: str, user_id: str, erased: Erased, as_json: bool) -> None:
    if as_json:
        mentions = [{"table": table, "key": key} for table, key in erased.mentions]
        print_json(console, {"realm": realm, "user_id": user_id, "removed": erased.removed, "mentions": mentions})
        return
    print_table(console, ("table", "items removed"), [(table, str(count)) for table, count in erased.removed.items()])
    for table, key in erased.mentions:
        console.print(printable(f"{table} {key}: an item of somebody else names them. Look at it."))
    console.print(f"{user_id} is erased: no table has an item of theirs any more.")
