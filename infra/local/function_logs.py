"""Keep the log lines of a local run in the emulated CloudWatch Logs, where `gatehouse logs` finds them."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.local.emulated_aws import REGION, STAGE
from infra.local.moto_transport import CALL_LOCK

Emit = Callable[[dict[str, Any]], None]
# A run may serve millions of requests: it keeps the last lines of each function, between so many and half of them.
KEPT = 10_000


@dataclass(slots=True)
class FunctionLogs:
    """The log lines of one function. name: its own part of the function's name, such as -management."""

    name: str = ""
    _count: int = 0

    @property
    def group(self) -> str:
        """The log group, as Lambda calls it."""
        return f"/aws/lambda/gatehouse-{STAGE}{self.name}"

    def write(self, line: dict[str, Any]) -> None:
        """Write a line, and forget the oldest ones if there are too many."""
        # moto's models take long to import, and no other command needs them.
        from moto.core.models import DEFAULT_ACCOUNT_ID  # noqa: PLC0415
        from moto.logs.models import logs_backends  # noqa: PLC0415

        with CALL_LOCK:
            backend = logs_backends[DEFAULT_ACCOUNT_ID][REGION]
            number, place = divmod(self._count, KEPT // 2)
            if place == 0:
                backend.create_log_stream(self.group, str(number))
                if number > 1:
                    backend.delete_log_stream(self.group, str(number - 2))
            event = {"timestamp": int(1000 * time.time()), "message": json.dumps(line)}
            backend.put_log_events(self.group, str(number), [event])
            self._count += 1


def emit_to(*emits: Emit) -> Emit:
    """Return a function that gives a line to each of these."""

    def emit(line: dict[str, Any]) -> None:
        for one in emits:
            one(line)

    return emit
