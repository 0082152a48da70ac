"""Count a stage's log lines: by event, by client, over time, and how long requests took."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.stage.logs.reading import LogLine

SLICES = 60
BARS = " ▁▂▃▄▅▆▇█"
BAD_REQUEST = 400
TOP = 10


@dataclass(frozen=True, slots=True)
class Stats:
    """The lines of a time that end requests, counted. since_ms, until_ms: the time."""

    lines: Sequence[LogLine]
    since_ms: int
    until_ms: int

    def as_json(self) -> dict[str, Any]:
        """Return all counts as plain values."""
        return {
            "since": self.since_ms // 1000,
            "until": self.until_ms // 1000,
            "requests": len(self.lines),
            "failed": sum(map(is_failed, self.lines)),
            "ms": percentiles(self.lines),
            "events": [{"event": name, **self._of("event", name)} for name in self._most("event")],
            "clients": [{"client_id": name, **self._of("client_id", name)} for name in self._most("client_id")[:TOP]],
            "over_time": [{"requests": all_, "failed": failed} for all_, failed in self.over_time()],
        }

    def over_time(self, number: int = SLICES) -> list[tuple[int, int]]:
        """Return the number of requests, and of those that failed, of each slice of the time. number: of slices."""
        width = max(1, (self.until_ms - self.since_ms) / number)
        slices = [[0, 0] for _ in range(number)]
        for line in self.lines:
            of = slices[min(number - 1, int((line.at_ms - self.since_ms) / width))]
            of[0] += 1
            of[1] += is_failed(line)
        return [(all_, failed) for all_, failed in slices]

    def _most(self, member: str) -> list[str]:
        counted = Counter(name for line in self.lines if isinstance(name := line.members.get(member), str))
        return [name for name, _ in counted.most_common() if name]

    def _of(self, member: str, name: str) -> dict[str, Any]:
        lines = [line for line in self.lines if line.members.get(member) == name]
        return {"requests": len(lines), "failed": sum(map(is_failed, lines)), "ms": percentiles(lines)}


def is_failed(line: LogLine) -> bool:
    """Return whether a line's request was refused or failed."""
    status = line.members.get("status")
    return bool(line.members.get("error")) or (isinstance(status, int) and status >= BAD_REQUEST)


def percentiles(lines: Sequence[LogLine]) -> dict[str, int]:
    """Return the milliseconds in which half and 99 of 100 requests were answered: the nearest rank."""
    taken = sorted(line.members["ms"] for line in lines if isinstance(line.members.get("ms"), int))
    if not taken:
        return {}
    return {f"p{percent}": taken[-(-len(taken) * percent // 100) - 1] for percent in (50, 99)}


def draw(numbers: Sequence[int]) -> str:
    """Return a bar for each number, the highest for the greatest. A small number still shows."""
    most = max(numbers, default=0)
    return "".join(BARS[-(-number * (len(BARS) - 1) // most)] if number else BARS[0] for number in numbers)
