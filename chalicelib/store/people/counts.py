"""How many people a realm has: counters in its users table, which each new and each deleted user moves.

They stand in SHARDS items, `count#0` to `#15`, by user_id, so that no item takes part in every transaction
(docs/adr/0031). `gatehouse users count` puts right what went wrong, and what an earlier version did not count.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable

from chalicelib.model.storage import Change, Item, Key, Read, Write
from chalicelib.model.user import User
from chalicelib.store.dynamo import Dynamo, update_of, update_write

SHARDS = 16


def count_write(table: str, user_id: str, step: int) -> Write:
    """Return the write that counts a user who comes (1) or goes (-1). One transaction with it makes or deletes them.

    step: more than one if all those users have this user's counter.
    """
    return update_write(_key(table, shard_of(user_id)), update_of(Change(add={"people": step})))


def shard_of(user_id: str) -> int:
    """Return which of the counters counts this user."""
    return hashlib.sha256(user_id.encode()).digest()[0] % SHARDS


def count_keys(table: str) -> list[Key]:
    """Return the keys of a realm's counters."""
    return [_key(table, shard) for shard in range(SHARDS)]


def total_of(items: Iterable[Item | None]) -> int:
    """Return how many people these counters have counted."""
    return max(0, sum(map(_people_in, items)))


def recount(dynamo: Dynamo, table: str, users: Iterable[User]) -> tuple[int, int]:
    """Set a realm's counters by all its users; return what they said before, and what they say now.

    Who comes or goes meanwhile is counted too, or once too often: a difference of a few.
    """
    keys = count_keys(table)
    before = dynamo.read(Read(tuple(keys), lambda items: list(map(_people_in, items))))
    found = Counter(shard_of(user.user_id) for user in users)
    for shard, key in enumerate(keys):
        if step := found[shard] - before[shard]:
            dynamo.update(key, update_of(Change(add={"people": step})))
    return max(0, sum(before)), found.total()


def _people_in(item: Item | None) -> int:
    return int(item.get("people", 0)) if item else 0


def _key(table: str, shard: int) -> Key:
    return Key(table, f"count#{shard}")
