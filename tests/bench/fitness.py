"""Tell whether a run is fit to be judged: other work of the machine, or of its host, makes all but bcrypt dearer."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.statistics import Spread

# The processes that want to run, on average over a minute. The bench itself makes up more than one.
MAX_LOAD_BEFORE = 0.7
MAX_LOAD_DURING = 2.0
# The distance of the anchor's quartiles, in its median.
MAX_ANCHOR_SPREAD = 0.05
# The anchor over a bcrypt of the same round, on a quiet machine with an AMD EPYC and Python 3.11. Another kind of
# machine or another Python may need another reference.
REFERENCE_RATIO = 0.097
RATIO_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class Fitness:
    """The state of the machine. load_during: the highest. anchor_ratio: the median of the anchor over a bcrypt."""

    load_before: float
    load_during: float
    anchor_ms: Spread
    anchor_ratio: float

    @classmethod
    def of(cls, loads: Sequence[float], anchors_ms: Sequence[float], hashes_ms: Sequence[float]) -> "Fitness":
        """Return the fitness of a run. loads: the first is that before the run. The others are of each round."""
        ratios = [anchor / hashed for anchor, hashed in zip(anchors_ms, hashes_ms, strict=True)]
        return cls(loads[0], max(loads[1:]), Spread.of(anchors_ms), median(ratios))

    def faults(self) -> list[str]:
        """Return why the run is unfit; nothing if it is fit."""
        return [
            *judge_load(self.load_before),
            *_complain(
                self.load_during > MAX_LOAD_DURING,
                f"the load rose to {self.load_during:.2f} in the run, over {MAX_LOAD_DURING}",
            ),
            *self._judge_anchor(),
        ]

    def _judge_anchor(self) -> list[str]:
        spread = (self.anchor_ms.high - self.anchor_ms.low) / self.anchor_ms.median
        away = self.anchor_ratio / REFERENCE_RATIO - 1
        return [
            *_complain(
                spread > MAX_ANCHOR_SPREAD,
                f"the anchor's quartiles are {spread:.1%} apart, over {MAX_ANCHOR_SPREAD:.0%}",
            ),
            *_complain(
                abs(away) > RATIO_TOLERANCE,
                f"the anchor takes {self.anchor_ratio:.4f} of a bcrypt, {away:+.1%} from the reference "
                f"{REFERENCE_RATIO}, over {RATIO_TOLERANCE:.0%}",
            ),
        ]


def read_load() -> float:
    """Return how many processes wanted to run, on average over the last minute."""
    return os.getloadavg()[0]


def judge_load(before: float) -> list[str]:
    """Return why a run would be unfit if it began now; nothing if it would not."""
    return _complain(before > MAX_LOAD_BEFORE, f"the load before the run is {before:.2f}, over {MAX_LOAD_BEFORE}")


def _complain(is_unfit: bool, reason: str) -> list[str]:
    return [reason] if is_unfit else []
