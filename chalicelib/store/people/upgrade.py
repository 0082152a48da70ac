"""Bring a user of the version before into the present shape: their one item becomes credentials and a profile."""

from contextlib import suppress

from chalicelib.model.storage import Change, Item, Key, Write
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.dynamo import Dynamo, update_of, update_write
from chalicelib.store.people.items import (
    credential_attributes,
    credentials_from,
    credentials_key,
    credentials_values,
    is_of_version_before,
)


def upgrade_user(dynamo: Dynamo, table: str, profile: Item) -> bool:
    """Split a `user#ID` item of the version before, in one transaction; return whether there was something to do.

    profile: the item as it was read. If it has changed since, nothing is written: another request was faster, or the
    next use of the item does it.
    """
    if not is_of_version_before(profile):
        return False
    with suppress(ConditionFailed):
        dynamo.commit(upgrade_writes(table, profile))
    return True


def upgrade_writes(table: str, profile: Item) -> tuple[Write, ...]:
    """Return the writes that split a `user#ID` item; their conditions fail if it has changed since it was read."""
    stripped = Change(
        remove=credential_attributes(profile),
        conditions=("credential_version = :seen",),
        values={":seen": profile["credential_version"]},
    )
    # An update, as the function may put no users; it makes the item.
    credentials = credentials_from(profile)
    made = Change(credentials_values(credentials), conditions=("attribute_not_exists(pk)",))
    return (
        update_write(credentials_key(table, credentials.user_id), update_of(made)),
        update_write(Key(table, profile["pk"]), update_of(stripped)),
    )
