"""The scheduled function that rotates the signing keys: one log line a run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import WireError
from chalicelib.http import log
from chalicelib.model.clock import Clock
from chalicelib.model.request import Outcome
from chalicelib.rotation.rotation import KeyRotation, UnusableKey
from chalicelib.rotation.steps import Step
from chalicelib.store.aws.botocore_version import find_botocore
from chalicelib.store.configuration.config import ConfigStore

# The `event` of its line.
KEYS = "keys"
DAY_S = 86_400


@dataclass(slots=True, eq=False, repr=False)
class ScheduledRotation:
    """Takes the step that is due. config: with nothing cached. emit: takes the log line."""

    config: ConfigStore
    rotation: KeyRotation
    clock: Clock
    emit: Callable[[dict[str, Any]], None]

    def run(self) -> None:
        """Take each algorithm one step if it is due, and log it with the ages of the keys that sign.

        A step that fails is logged too, and due again at the next run, in an hour. It is not raised: Lambda would run
        again within minutes, while KMS may still not find a new key by its tag, and a second key would be made.
        """
        outcome, steps = Outcome(KEYS), list[Step]()
        try:
            days = self.config.tenant().rotation_days
            steps = self.rotation.rotate(self.clock.now_s(), days * DAY_S) if days else []
        except UnusableKey as unusable:
            outcome.error, outcome.reason = "unusable_key", str(unusable)
        except WireError as failure:
            outcome.error, outcome.reason = failure.error, failure.reason
        taken = [_name(step) for step in steps if step.action != "wait"]
        # No call of AWS tells what its runtime brings, so `gatehouse doctor` reads it here.
        self.emit(log.line(outcome, steps=taken, **self._ages(), botocore=find_botocore() or ""))

    def _ages(self) -> dict[str, Any]:
        """Return the age in days of the oldest key that signs, and of each by its algorithm; nothing if unknown."""
        try:
            keys, now = self.config.keys(), self.clock.now_s()
        except WireError:
            return {}
        ages = {key.alg: (now - key.since) // DAY_S for key in keys.keys if key.status == "current"}
        return {"key_age_days": max(ages.values()), "keys": ages} if ages else {}


def _name(step: Step) -> str:
    return f"{step.action} {step.key.alg} {step.key.kid}" if step.key else step.action
