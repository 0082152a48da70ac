"""The Python of a block of statements, and how it ends."""

from dataclasses import dataclass
from enum import Enum, auto

from tree_sitter import Node

from infra.move.rules.script import Untranslatable


class End(Enum):
    """How a block ends: it goes on, it returned, or it called the callback without a return."""

    GOES_ON = auto()
    RETURNED = auto()
    CALLED = auto()


@dataclass(frozen=True, slots=True)
class Block:
    """The Python lines of a block, and how it ends. unsaved: the metadata that it set and did not store."""

    lines: tuple[str, ...]
    end: End
    unsaved: frozenset[str]


def end_of_both(node: Node, first: Block, second: Block) -> End:
    """Return how a choice of two blocks ends. Raises Untranslatable if the rule would go on after the callback."""
    kinds = {first.end, second.end}
    if kinds == {End.GOES_ON, End.CALLED}:
        raise Untranslatable(node, "the callback is called without a return, and the rule goes on")
    return next(end for end in (End.GOES_ON, End.CALLED, End.RETURNED) if end in kinds)


def indent(lines: tuple[str, ...]) -> list[str]:
    """Return the lines of a block below its head."""
    return [f"    {line}" for line in lines or ("pass",)]
