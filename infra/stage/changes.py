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


def in_words(changes: Sequence[PlannedChange]) -> list[str]:
    """Return what changes, a text each, such as `create client app`."""
    return [f"{change.action} {change.what}" for change in changes if change.action != "keep"]


def would_change(changes: Sequence[PlannedChange]) -> bool:
    """Return whether these changes change anything."""
    return any(change.action != "keep" for change in changes)
