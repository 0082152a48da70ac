"""Revocations of all tokens of a realm, or of a client in it (docs/adr/0021, 0031).

Items in the sessions table count them, for the realm and for each client. Every login and refresh reads one together
with the user, so each realm has SHARDS copies. TTL never sweeps them.
"""

import hashlib
import math
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from chalicelib.model.storage import Item, Key, Read
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.cache import Cache
from chalicelib.store.dynamo import Dynamo, Update, from_item

WHOLE_REALM = "everybody"
SHARDS = 16
_CLIENT = "client_"

# The number of revocations by counter.
Counts = Mapping[str, int]


@dataclass(slots=True, eq=False, repr=False)
class RevocationStore:
    """Counts the revocations of one stage. Every read is consistent.

    choose: returns a random number below the given one. The version before this had one item, `revoked#REALM`. It holds
    for a shard that was never written, and this process reads it once: a revocation writes every shard.
    """

    dynamo: Dynamo
    table: str
    choose: Callable[[int], int] = secrets.randbelow
    _of_version_before: Cache[Counts] = field(default_factory=Cache)

    def read_of(self, realm: str, client_id: str) -> Read[int]:
        """Return the read of the count of revocations for a realm's users at a client."""
        counters, shard = (WHOLE_REALM, _counter(client_id)), self._shard(realm, self.choose(SHARDS))
        before = self._of_version_before.get(realm, 0)
        keys = (shard,) if before is not None else (shard, self._item_before(realm))

        def parse(items: tuple[Item | None, ...]) -> int:
            fallback = self._remember(realm, items[1]) if before is None else before
            counts = fallback if items[0] is None else items[0]
            return sum(counts.get(name, 0) for name in counters)

        return Read(keys, parse)

    def revoke(self, realm: str, client_id: str | None = None) -> None:
        """End the tokens of all users of a realm, those of one client or of all, by the time that this returns.

        If it fails in between, some requests know of it and others do not; another revocation completes it.
        """
        counter = _counter(client_id) if client_id else WHOLE_REALM
        # The item of the version before is the last: until then, a shard that is not written yet has one value.
        keys = (*(self._shard(realm, number) for number in range(SHARDS)), self._item_before(realm))
        stored = self.dynamo.read(Read(keys, lambda items: [_counts_of(item or {}) for item in items]))
        highest = {name: max(counts.get(name, 0) for counts in stored) for name in {counter}.union(*stored)}
        highest[counter] += 1
        for key, counts in zip(keys, stored, strict=True):
            self._raise(key, counts, highest)

    def _raise(self, key: Key, stored: Counts, counts: Counts) -> None:
        """Write an item's counts, unless higher ones are there: another revocation at the same time counts for both."""
        if not stored:
            try:
                self.dynamo.put_if(key.table, {"pk": key.pk, "sk": key.sk, **counts}, "attribute_not_exists(pk)")
            except ConditionFailed as failure:
                stored = _counts_of(from_item(failure.item or {}))
            else:
                return
        for name, count in counts.items():
            if stored.get(name, 0) < count:
                with suppress(ConditionFailed):
                    condition = f"attribute_not_exists({name}) OR {name} < :count"
                    self.dynamo.update(key, Update(f"SET {name} = :count", condition, {":count": count}))

    def _remember(self, realm: str, item: Item | None) -> Counts:
        counts = _counts_of(item or {})
        self._of_version_before.put(realm, math.inf, counts)
        return counts

    def _shard(self, realm: str, number: int) -> Key:
        return Key(self.table, f"revoked#{realm}#{number}", "counts")

    def _item_before(self, realm: str) -> Key:
        return Key(self.table, f"revoked#{realm}", "counts")


def _counts_of(item: Item) -> Counts:
    return {name: value for name, value in item.items() if name == WHOLE_REALM or name.startswith(_CLIENT)}


def _counter(client_id: str) -> str:
    return f"{_CLIENT}{hashlib.sha256(client_id.encode()).hexdigest()[:32]}"
