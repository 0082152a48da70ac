"""A user's attempts at codes, in the attempts table: their allowances, and the count of wrong codes in a row."""

from contextlib import suppress
from dataclasses import dataclass

from chalicelib.model.bucket import Bucket
from chalicelib.model.storage import Item, Key, Read, Write
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.buckets import fill
from chalicelib.store.dynamo import Dynamo, Update, delete_write, update_write

# The sort key of the wrong codes, beside those of the user's buckets.
WRONG = "wrong"
_PREFIX = "wrong_"


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many attempts or messages are allowed. owner, kind: the parts of its key. bucket: without debt."""

    owner: str
    kind: str
    bucket: Bucket


@dataclass(slots=True, eq=False, repr=False)
class AllowanceStore:
    """Takes attempts from allowances. Times are epoch milliseconds."""

    dynamo: Dynamo
    table: str

    def take(self, allowance: Allowance, now_ms: int, is_running: bool = False) -> int:
        """Take one attempt and return 0; if none is left, return in how many milliseconds there is one again.

        A refused attempt is not counted: no code was checked. is_running: as of `fill` in buckets.py.
        """
        state = fill(self.dynamo, self._key(allowance), allowance.bucket, now_ms, is_running)
        return 0 if state.had_room else allowance.bucket.opens_at_ms(state.empties_at_ms) - now_ms

    def are_running(self, allowances: tuple[Allowance, ...], now_ms: int) -> tuple[bool, ...]:
        """Return which allowances are in use now, in one call: the hints of `take`, which then costs one call too."""
        keys = tuple(map(self._key, allowances))
        return self.dynamo.read(
            Read(keys, lambda items: tuple(item is not None and item["empties_at_ms"] > now_ms for item in items))
        )

    def give_back(self, allowance: Allowance) -> Write:
        """Return the write that gives one attempt back, for the transaction of a success."""
        return update_write(
            self._key(allowance), Update("ADD empties_at_ms :less", "", {":less": -allowance.bucket.rate_ms})
        )

    def _key(self, allowance: Allowance) -> Key:
        return Key(self.table, allowance.owner, allowance.kind)


@dataclass(slots=True, eq=False, repr=False)
class WrongCodeStore:
    """Counts codes as wrong before they are checked, each in one atomic write. owner: as in Allowance.

    Only a right code or an operator's reset ends a count, so that slow guessing does not start again.
    """

    dynamo: Dynamo
    table: str

    def count(self, owner: str, kind: str, most: int) -> int | None:
        """Count one attempt; return the count of all kinds in a row, or None if this kind has reached `most`."""
        name = _PREFIX + kind
        counted = Update(
            f"ADD {name} :one", f"attribute_not_exists({name}) OR {name} < :most", {":one": 1, ":most": most}
        )
        try:
            return _total(self.dynamo.update_and_read(self._key(owner), counted))
        except ConditionFailed:
            return None

    def withdraw(self, owner: str, kind: str) -> None:
        """Take back one attempt whose code could not be checked."""
        name = _PREFIX + kind
        withdrawn = Update(f"ADD {name} :less", f"{name} > :zero", {":less": -1, ":zero": 0})
        with suppress(ConditionFailed):
            self.dynamo.update_and_read(self._key(owner), withdrawn)

    def clear_write(self, owner: str) -> Write:
        """Return the write that forgets the wrong codes of every kind, for the transaction of a right one."""
        return delete_write(self._key(owner))

    def _key(self, owner: str) -> Key:
        return Key(self.table, owner, WRONG)


def _total(values: Item) -> int:
    return sum(number for name, number in values.items() if name.startswith(_PREFIX))
