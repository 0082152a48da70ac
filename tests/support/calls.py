"""Collect the AWS calls of a stage's functions, and their rounds."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chalicelib.store.aws.caller import SERVICES
from infra.stage.aws import Stage
from tests.support.function_aws import Ask, around_calls

# Seconds that a call waits for another to join it, before it counts as a round of its own.
ALONE_AFTER_S = 0.5

C = TypeVar("C", bound="Calls")


@dataclass
class Calls:
    """The collected calls. made: the operations, in order."""

    made: list[str] = field(default_factory=list)
    parameters: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def begin(self, operation: str) -> None:
        self.made.append(operation)

    def end(self, operation: str) -> None:
        pass


@dataclass
class Rounds(Calls):
    """Calls, with their rounds. rounds: the operations that were under way together. A single call waits for others."""

    rounds: list[set[str]] = field(default_factory=list)
    _under_way: set[str] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def begin(self, operation: str) -> None:
        with self._changed:
            self.made.append(operation)
            if not self._under_way:
                self.rounds.append(set())
            self._under_way.add(operation)
            self.rounds[-1].add(operation)
            self._changed.notify_all()
            mine = self.rounds[-1]
            self._changed.wait_for(lambda: len(mine) > 1, ALONE_AFTER_S)

    def end(self, operation: str) -> None:
        with self._changed:
            self._under_way.discard(operation)


def calls_of(stage: Stage) -> AbstractContextManager[Calls]:
    """Collect the calls that the stage's clients make inside this block."""
    return _collect(stage, Calls())


def rounds_of(stage: Stage) -> AbstractContextManager[Rounds]:
    """Collect the calls that the stage's clients make inside this block, and their rounds."""
    return _collect(stage, Rounds())


@contextmanager
def _collect(stage: Stage, calls: C) -> Iterator[C]:
    def around(operation: str, parameters: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        if operation not in SERVICES:
            return ask()
        calls.parameters.append((operation, dict(parameters)))
        calls.begin(operation)
        try:
            return ask()
        finally:
            calls.end(operation)

    with around_calls(stage, around):
        yield calls
