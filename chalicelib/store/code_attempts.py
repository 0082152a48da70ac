"""A person's attempts at codes, in the attempts table: so many at once, and so many wrong ones in a row."""

from contextlib import suppress
from dataclasses import dataclass

from chalicelib.model.bucket import Bucket
from chalicelib.model.storage import Item, Key, Write
from chalicelib.store.aws.calls import ConditionFailed
from chalicelib.store.buckets import fill
from chalicelib.store.dynamo import Dynamo, Update, delete_write, update_write

# The sort key of the wrong codes, beside those of the person's buckets.
WRONG = "wrong"
_PREFIX = "wrong_"


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many attempts or messages there may be. owner, kind: the parts of its key. bucket: one without debt."""

    owner: str
    kind: str
    bucket: Bucket


@dataclass(frozen=True, slots=True)
class AllowanceStore:
    """Takes attempts from allowances. Times are epoch milliseconds."""

    dynamo: Dynamo
    table: str

    def take(self, allowance: Allowance, now_ms: int) -> int:
        """Take one attempt; return 0, or in how many milliseconds there is one again.

        An attempt that is refused costs nothing: it was taken before anything was looked at.
        """
        filled = fill(self.dynamo, self._key(allowance), allowance.bucket, now_ms, is_running=False)
        return 0 if filled.had_room else allowance.bucket.opens_at_ms(filled.empties_at_ms) - now_ms

    def give_back(self, allowance: Allowance) -> Write:
        """Return the write that gives one attempt back, for the transaction of a success."""
        return update_write(
            self._key(allowance), Update("ADD empties_at_ms :less", "", {":less": -allowance.bucket.rate_ms})
        )

    def _key(self, allowance: Allowance) -> Key:
        return Key(self.table, allowance.owner, allowance.kind)


@dataclass(frozen=True, slots=True)
class WrongCodeStore:
    """Counts attempts as wrong before they are looked at, each one atomic write. owner: as of Allowance.

    A count has no end but a right code, or an operator's reset: slow guessing does not begin anew.
    """

    dynamo: Dynamo
    table: str

    def count(self, owner: str, kind: str, most: int) -> int | None:
        """Count one attempt; return how many of all kinds stand in a row then, or None if this kind has its most."""
        name = _PREFIX + kind
        counted = Update(
            f"ADD {name} :one", f"attribute_not_exists({name}) OR {name} < :most", {":one": 1, ":most": most}
        )
        try:
            return _total(self.dynamo.update_and_read(self._key(owner), counted))
        except ConditionFailed:
            return None

    def withdraw(self, owner: str, kind: str) -> None:
        """Take one attempt back that could not be judged."""
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
