"""The function of the help desk: one answer and one log line for each invocation."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import ServerError, WireError
from chalicelib.flows.help_desk import HelpDeskFlow
from chalicelib.http import log
from chalicelib.model.request import Outcome
from chalicelib.store.aws.budget import open_budget

# The `event` of its line.
HELP_DESK = "help_desk"
CRASHED = "The request could not be completed."


@dataclass(slots=True, eq=False, repr=False)
class HelpDesk:
    """Answers invocations. emit: takes the log line. clock: monotonic seconds, for the time budget of the calls."""

    flow: HelpDeskFlow
    emit: Callable[[dict[str, Any]], None] = log.write_line
    clock: Callable[[], float] = time.monotonic

    def answer(self, event: object, request_id: str) -> dict[str, Any]:
        """Return whom a change concerned, or an error. Nothing is raised: Lambda repeats an asynchronous call."""
        outcome = Outcome(HELP_DESK)
        try:
            with open_budget(self.clock):
                found: WireError | dict[str, Any] = self.flow.answer(event, outcome)
        except WireError as failure:
            found = failure
        except Exception as crash:
            found = ServerError(CRASHED, reason=log.crash_reason(crash))
        if isinstance(found, WireError):
            outcome.error, outcome.reason = found.error, found.reason
            answer: dict[str, Any] = {"error": found.error, "error_description": found.description}
        else:
            answer = found
        self.emit(log.line(outcome, request_id=request_id))
        return answer
