"""Reads and writes of the store as values. One part makes them, another does them; only `store/` looks inside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)

# One write of a transaction.
Write = dict[str, Any]
# One attribute of an item. A set is never empty: DynamoDB has no empty ones.
Value = str | int | bool | frozenset[str]
# An item's plain values by the names of its attributes.
Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """The key of one item. sk: "" in a table without a sort key."""

    table: str
    pk: str
    sk: str = ""


@dataclass(frozen=True, slots=True)
class Read(Generic[T_co]):
    """A read of items; several reads can be one call (`Dynamo.read_all`).

    keys: of the items. parse: returns the value made of these items, in the order of keys; a missing item is None.
    """

    keys: tuple[Key, ...]
    parse: Callable[[tuple[Item | None, ...]], T_co]


@dataclass(frozen=True, slots=True)
class Change:
    """One update of an item, in parts that several makers can join. No attribute may be a reserved word of DynamoDB.

    set: the new values. add: the numbers to add, and the texts to put into sets. copy: by attribute, the one whose
    number it gets, 0 for a missing one. take: the texts to take out of sets. remove: the attributes that go.
    conditions: all of them must hold. values: of the names with a colon in them.
    """

    set: Mapping[str, Value] = field(default_factory=dict, repr=False)
    add: Mapping[str, Value] = field(default_factory=dict)
    copy: Mapping[str, str] = field(default_factory=dict)
    take: Mapping[str, Value] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    values: Mapping[str, Value] = field(default_factory=dict, repr=False)

    def __or__(self, other: "Change") -> "Change":
        """Return both changes as one. They must not change the same attribute."""
        return Change(
            {**self.set, **other.set},
            {**self.add, **other.add},
            {**self.copy, **other.copy},
            {**self.take, **other.take},
            self.remove + other.remove,
            self.conditions + other.conditions,
            {**self.values, **other.values},
        )
