"""Leaky buckets of an address in the attempts table. Each item is one number: when the bucket will be empty."""

from dataclasses import dataclass, replace

from chalicelib.model.bucket import Bucket
from chalicelib.model.storage import Key, Read
from chalicelib.store.dynamo import Dynamo, Update

# An address has a bucket of each of these kinds.
LOGINS = "logins"
CLIENTS = "clients"
# Failures that were under way when the bucket got full are its debt, up to this many: by default AWS runs no more
# functions at once, and an endless debt would refuse an address for ever.
MAX_DEBT = 1000


@dataclass(frozen=True, slots=True)
class BucketState:
    """A bucket after one failure. empties_at_ms: epoch milliseconds. had_room: whether the bucket was not full yet."""

    empties_at_ms: int
    had_room: bool


def fill(dynamo: Dynamo, key: Key, bucket: Bucket, now_ms: int, is_running: bool) -> BucketState:
    """Put one failure into the bucket of a key; a full one takes it as debt, up to its max_debt.

    is_running: a hint from an earlier read that the bucket is not empty; a wrong hint costs a call.
    """
    overflow = bucket.overflows_at_ms(now_ms)
    sweep_s = -(-(overflow + bucket.rate_ms) // 1000)
    added = {":now": now_ms, ":rate": bucket.rate_ms, ":sweep": sweep_s}
    running = Update(
        "SET empties_at_ms = empties_at_ms + :rate, expires_at = :sweep",
        "empties_at_ms > :now AND empties_at_ms <= :overflow",
        added | {":overflow": overflow},
    )
    empty = Update(
        "SET empties_at_ms = :next, expires_at = :sweep",
        "attribute_not_exists(empties_at_ms) OR empties_at_ms <= :now",
        {":now": now_ms, ":next": now_ms + bucket.rate_ms, ":sweep": sweep_s},
    )
    overflowing = Update("SET empties_at_ms = empties_at_ms", "empties_at_ms > :overflow", {":overflow": overflow})
    updates = (running, empty, overflowing) if is_running else (empty, running, overflowing)
    made, item = dynamo.update_by_first(key, *updates)
    empties_at_ms: int = item["empties_at_ms"]
    had_room = made is not overflowing and not bucket.is_full(empties_at_ms - bucket.rate_ms, now_ms)
    return BucketState(empties_at_ms, had_room)


@dataclass(slots=True, eq=False, repr=False)
class BucketStore:
    """The buckets of one kind, for failures that are counted after they happened: without room they become debt.

    kind: LOGINS; or CLIENTS, followed by `#` and the client_id if the client is known. TTL only sweeps: every condition
    compares the time.
    """

    dynamo: Dynamo
    table: str
    kind: str

    def of_kind(self, kind: str) -> "BucketStore":
        """Return the buckets of another kind."""
        return replace(self, kind=kind)

    def read_of(self, *addresses: str) -> Read[tuple[int, ...]]:
        """Return the read of when the bucket of each address will be empty: epoch milliseconds, 0 if it is empty.

        addresses: as model/address.py's network() writes them.
        """
        keys = tuple(map(self._key, addresses))
        return Read(keys, lambda items: tuple(item["empties_at_ms"] if item else 0 for item in items))

    def fill(self, address: str, bucket: Bucket, now_ms: int, is_running: bool = True) -> BucketState:
        """Put one failure in; a full bucket takes it as debt. is_running: as in `fill` above."""
        return fill(self.dynamo, self._key(address), replace(bucket, max_debt=MAX_DEBT), now_ms, is_running)

    def of_address(self, address: str) -> dict[str, int]:
        """Return when an address's buckets will be empty, by kind, for the tools."""
        items = self.dynamo.query(self.table, "pk = :pk", {":pk": self._key(address).pk})
        return {item["sk"]: item["empties_at_ms"] for item in items}

    def clear(self, address: str) -> None:
        """Empty an address's buckets of every kind, for the tools."""
        for kind in self.of_address(address):
            self.dynamo.delete(self.of_kind(kind)._key(address))

    def _key(self, address: str) -> Key:
        return Key(self.table, f"address#{address}", self.kind)
