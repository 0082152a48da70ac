"""Look at the counts of attempts at a user of the realm employees, and leave some there, as earlier logins do."""

from chalicelib.model.address import network
from chalicelib.model.storage import Change, Item, Key
from chalicelib.model.user import User
from chalicelib.store.counting import FAILURES_LIFETIME_S
from chalicelib.store.dynamo import update_of
from chalicelib.store.people.items import credentials_key
from chalicelib.store.tally import AttemptCount, count_in, doors_in, place_of, total_in
from infra.stage.aws import Stage

# The letter of the door of usernames.
USERNAME = "u"


def counts_key(stage: Stage, user: User) -> Key:
    """Return the key of the item that counts the attempts at a user."""
    return credentials_key(f"{stage.prefix}users-employees", user.user_id)


def counts_of(stage: Stage, user: User) -> Item:
    """Return the item that counts the attempts at a user."""
    (item,) = stage.dynamo.query(f"{stage.prefix}users-employees", "pk = :pk", {":pk": counts_key(stage, user).pk})
    return item


def leave_failures(stage: Stage, user: User, failed: int, now: int, door: str = USERNAME) -> None:
    """Leave so many failures in a row at a user, as guesses from many addresses do."""
    left = Change({f"{door}_failed": failed, f"{door}_ends_at": now + FAILURES_LIFETIME_S})
    stage.dynamo.update(counts_key(stage, user), update_of(left))


def failures_in_a_row(stage: Stage, user: User, door: str = USERNAME) -> int:
    """Return how many failures in a row stand at a door of a user, from all addresses."""
    return total_in(counts_of(stage, user), door).failed


def begin_and_vanish(stage: Stage, user: User, address: str, now: int) -> None:
    """Count an attempt by the username as a process does that then dies."""
    place = place_of(network(address))
    begun = Change({f"{USERNAME}c_{place}": now}, {f"{USERNAME}a_{place}": 1})
    stage.dynamo.update(counts_key(stage, user), update_of(begun))


def count_at(stage: Stage, user: User, address: str, door: str = USERNAME) -> AttemptCount:
    """Return the count of a user's attempts from an address at a door."""
    return count_in(counts_of(stage, user), door, place_of(network(address)))


def sum_of_counts(item: Item) -> tuple[int, int]:
    """Return how many attempts an item counts through all doors from all networks, and how many of them as failed."""
    names = [f"{door}{letter}_" for letter in "af" for door in doors_in(item)]
    attempts, failed = names[: len(names) // 2], names[len(names) // 2 :]
    return _sum(item, attempts), _sum(item, failed)


def _sum(item: Item, beginnings: list[str]) -> int:
    return sum(value for name, value in item.items() if name.startswith(tuple(beginnings))) if beginnings else 0
