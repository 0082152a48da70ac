"""The writes that change a user's profile, and move the identifiers that change with it."""

from collections.abc import Iterator
from typing import Any

from chalicelib.identifiers import canonical
from chalicelib.model.storage import Change, Value, Write
from chalicelib.model.user import User
from chalicelib.store.dynamo import attribute, delete_write, put_write, update_of, update_write
from chalicelib.store.people.items import credentials_key, login_keys, login_values, profile_key, profile_values


def change_writes(table: str, before: User, after: User, now: int) -> tuple[Write, ...]:
    """Return the writes that lead from one state of a profile to the next.

    Only what differs is written, under the condition that it is as it was read: parallel changes of the rest stay.
    A new email ends pending logins, access tokens of the MFA API and the tickets of the old one.
    """
    seen, wanted = profile_values(before), profile_values(after)
    differing = {name: value for name, value in wanted.items() if value != seen[name]}
    profile = Change(
        {**differing, "updated_at": now},
        conditions=("attribute_exists(pk)", *(f"{attribute(name)} = :seen_{name}" for name in differing)),
        values={f":seen_{name}": seen[name] for name in differing},
    )
    ends = int(canonical(before.email) != canonical(after.email))
    credentials = Change({}, {"credential_version": ends}, conditions=("attribute_exists(pk)",))
    return (
        update_write(profile_key(table, before.user_id), update_of(profile)),
        update_write(credentials_key(table, before.user_id), update_of(credentials)),
        *_moves(table, before, after),
    )


def _moves(table: str, before: User, after: User) -> Iterator[Write]:
    own: dict[str, Value] = {"id": before.user_id}
    names: tuple[tuple[str, str, str], ...] = (
        ("username", before.username, after.username),
        ("email", before.email, after.email),
    )
    for kind, old, new in names:
        if canonical(old) == canonical(new):
            continue
        values: dict[str, Any] = login_values(after, kind, new)
        if new:
            yield put_write(table, values, "attribute_not_exists(pk) OR user_id = :id", **own)
        for key in login_keys(table, old) if old else ():
            if key.pk != values["pk"]:
                # An older spelling may be another user's by now.
                yield delete_write(key, "attribute_not_exists(pk) OR user_id = :id", **own)
