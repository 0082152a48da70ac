"""Reads and writes of the store as values. One part makes them, another does them; only `store/` looks inside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

# One write of a transaction.
Write = dict[str, Any]
# An item's plain values by the names of its attributes.
Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """The key of one item. sk: "" in a table without a sort key."""

    table: str
    pk: str
    sk: str = ""


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """A read of items; several reads can be one call (`Dynamo.read_all`).

    keys: of the items. parse: returns the value made of these items, in the order of keys; a missing item is None.
    """

    keys: tuple[Key, ...]
    parse: Callable[[tuple[Item | None, ...]], T]
