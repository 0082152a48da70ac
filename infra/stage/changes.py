"""A plan: the changes that a command makes in a stage, or would make."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

# keep: it is no longer in the tenant file, but stays in the stage.
Action: TypeAlias = Literal["create", "recreate", "update", "delete", "keep"]


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One change of a plan. what: the name of the thing. detail: the reasons, one a line."""

    action: Action
    what: str
    detail: str = ""


def would_change(changes: Sequence[PlannedChange]) -> bool:
    """Return whether these changes change anything."""
    return any(change.action != "keep" for change in changes)
