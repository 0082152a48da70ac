"""Keep within DynamoDB's limits: a rate that the operator gives, and one that halves when DynamoDB throttles."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from chalicelib.errors import TemporarilyUnavailable
from infra.stage.migration.upgrades import THROTTLED

A = TypeVar("A")

# The last is a batch whose keys DynamoDB keeps leaving out, which is how it throttles a batch.
SLOWING = (*THROTTLED, "unprocessed keys")
# Failures of AWS itself, by the ends of botocore's and AWS's names of them.
AWAY = ("Error", "500", "503", "InternalServerError", "ServiceUnavailable", "TransactionInProgressException")
PAUSES_S = (0.5, 1, 2, 4, 8, 16, 32)
# A rate to begin from, if DynamoDB throttles and the operator gave none: half of a fresh table's write units.
FIRST_RATE = 2_000.0
SLOWEST = 50.0
FASTER = 1.02


@dataclass(slots=True, eq=False, repr=False)
class Pace:
    """Paces several threads. most: write units a second, 0 for no limit. clock, pause: in seconds."""

    most: float
    clock: Callable[[], float]
    pause: Callable[[float], None]
    _rate: float = field(init=False)
    _next_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._rate = self.most

    def do(self, call: Callable[[], A], units: int) -> A:
        """Return the answer of a call that may be repeated; wait before it, and try again if AWS throttles or is away.

        Raises TemporarilyUnavailable after a minute of failures.
        """
        for pause_s in PAUSES_S:
            self._wait(units)
            try:
                answer = call()
            except TemporarilyUnavailable as failure:
                if not self._is_passing(failure):
                    raise
                self.pause(pause_s)
            else:
                self._quicken()
                return answer
        return call()

    def _wait(self, units: int) -> None:
        with self._lock:
            if not self._rate or not units:
                return
            now = self.clock()
            begins_at = max(now, self._next_at)
            self._next_at = begins_at + units / self._rate
        if begins_at > now:
            self.pause(begins_at - now)

    def _is_passing(self, failure: TemporarilyUnavailable) -> bool:
        code = failure.reason.rpartition(": ")[2]
        if code in SLOWING:
            with self._lock:
                self._rate = max(SLOWEST, (self._rate or FIRST_RATE) / 2)
            return True
        return code.endswith(AWAY) and "Credential" not in code

    def _quicken(self) -> None:
        with self._lock:
            if self._rate and self._rate != self.most:
                self._rate = min(self._rate * FASTER, self.most or float("inf"))
