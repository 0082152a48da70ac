"""/health: how the last calls of this process to AWS went."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.model.request import Request


@dataclass(slots=True, eq=False, repr=False)
class Health:
    """Answers GET /health. outcomes: by AWS service, `ok` or the name of the last call's failure."""

    outcomes: Mapping[str, str]

    def answer(self, _: Request) -> dict[str, Any]:
        """Return the outcome of the last call to each dependency that was called."""
        outcomes = dict(self.outcomes)
        is_well = all(outcome == "ok" for outcome in outcomes.values())
        return {"status": "ok" if is_well else "degraded", "dependencies": outcomes}
