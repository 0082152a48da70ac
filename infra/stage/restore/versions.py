"""Raise the versions of restored people, so that nothing that was given out before the restore holds after it."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from chalicelib.model.storage import Key
from chalicelib.store.dynamo import Update
from infra.stage.aws import Stage
from infra.stage.migration.upgrades import be_patient

# More than a person's versions can have risen since: each rise is a change of a password, a block or the like.
MANY = 1_000_000
WORKERS = 8
_RAISE = Update(
    "ADD credential_version :many, password_version :many, families_version :many",
    "attribute_exists(credential_version)",
    {":many": MANY},
)


def raise_versions(stage: Stage, table: str) -> int:
    """Raise all versions of each person in a table that nobody uses yet; return how many people there are.

    It does no harm twice. A version of then could be raised by one, as after a later change of the password: then it
    would be the version of what was given out after that change.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(partial(_raise_segment, stage, table), range(WORKERS)))


def _raise_segment(stage: Stage, table: str, segment: int) -> int:
    """Raise the versions of the people of one segment; return how many they are."""
    asked = {"FilterExpression": "attribute_exists(credential_version)", "ProjectionExpression": "pk"}
    found = stage.dynamo.scan(table, ConsistentRead=True, Segment=segment, TotalSegments=WORKERS, **asked)
    people = [Key(table, item["pk"]) for item in found]
    for key in people:
        be_patient(stage.pause, partial(stage.dynamo.update, key, _RAISE))
    return len(people)
