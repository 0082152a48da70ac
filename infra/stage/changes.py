"""The facts of a plan: the changes that a command makes in a stage, or would make."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

# keep: what left the tenant file, and stays.
Action: TypeAlias = Literal["create", "recreate", "update", "delete", "keep"]


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One change. what: the thing's name. detail: why it changes, a line for each reason."""

    action: Action
    what: str
    detail: str = ""


def would_change(changes: Sequence[PlannedChange]) -> bool:
    """Return whether these changes leave anything otherwise than it is."""
    return any(change.action != "keep" for change in changes)
