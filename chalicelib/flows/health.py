"""/health: how the last calls of this process to AWS went."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.model.request import Request


@dataclass(frozen=True, slots=True)
class Health:
    """Answers GET /health. outcomes: by service of AWS, `ok` or the failure's name, as the last call gave it."""

    outcomes: Mapping[str, str]

    def answer(self, _: Request) -> dict[str, Any]:
        """Return what the last call to each dependency gave, but for those that were not called yet."""
        outcomes = dict(self.outcomes)
        is_well = all(outcome == "ok" for outcome in outcomes.values())
        return {"status": "ok" if is_well else "degraded", "dependencies": outcomes}
