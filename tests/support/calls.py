"""Collect AWS calls and their rounds, by botocore's own events."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from infra.stage.aws import Stage

# Seconds that a call waits for another to join it, before it counts as a round of its own.
ALONE_AFTER_S = 0.5

C = TypeVar("C", bound="Calls")


@dataclass
class Calls:
    """The collected calls. made: the operations, in order."""

    made: list[str] = field(default_factory=list)
    parameters: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def begin(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.made.append(model.name)

    def end(self, model: Any, **_: Any) -> None:
        pass

    def note_parameters(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.parameters.append((model.name, params))


@dataclass
class Rounds(Calls):
    """Calls, with their rounds. rounds: the operations that were under way together. A single call waits for others."""

    rounds: list[set[str]] = field(default_factory=list)
    _under_way: set[str] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def begin(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        with self._changed:
            self.made.append(model.name)
            if not self._under_way:
                self.rounds.append(set())
            self._under_way.add(model.name)
            self.rounds[-1].add(model.name)
            self._changed.notify_all()
            mine = self.rounds[-1]
            self._changed.wait_for(lambda: len(mine) > 1, ALONE_AFTER_S)

    def end(self, model: Any, **_: Any) -> None:
        with self._changed:
            self._under_way.discard(model.name)


def calls_of(stage: Stage) -> AbstractContextManager[Calls]:
    """Collect the calls that the stage's clients make inside this block."""
    return _collect(stage, Calls())


def rounds_of(stage: Stage) -> AbstractContextManager[Rounds]:
    """Collect the calls that the stage's clients make inside this block, and their rounds."""
    return _collect(stage, Rounds())


@contextmanager
def _collect(stage: Stage, calls: C) -> Iterator[C]:
    handlers: dict[str, Callable[..., None]] = {
        "before-call": calls.begin,
        "after-call": calls.end,
        "provide-client-params": calls.note_parameters,
    }
    clients = (stage.clients.dynamodb, stage.clients.kms)
    for client in clients:
        for event, handler in handlers.items():
            client.meta.events.register(event, handler, unique_id=f"calls-of-{event}")
    try:
        yield calls
    finally:
        for client in clients:
            for event in handlers:
                client.meta.events.unregister(event, unique_id=f"calls-of-{event}")
