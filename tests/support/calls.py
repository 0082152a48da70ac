"""Which AWS calls are made, and in how many rounds, by botocore's own events."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from infra.stage.aws import Stage

# How long a call waits for another to be under way with it before it counts as a round of its own.
ALONE_AFTER_S = 0.5

C = TypeVar("C", bound="Calls")


@dataclass
class Calls:
    """The calls that were seen. made: the operations in order."""

    made: list[str] = field(default_factory=list)
    parameters: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def begins(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.made.append(model.name)

    def ends(self, model: Any, **_: Any) -> None:
        pass

    def asked(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.parameters.append((model.name, params))


@dataclass
class Rounds(Calls):
    """The same, where each call that is alone waits. rounds: those that were under way together."""

    rounds: list[set[str]] = field(default_factory=list)
    _under_way: set[str] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def begins(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        with self._changed:
            self.made.append(model.name)
            if not self._under_way:
                self.rounds.append(set())
            self._under_way.add(model.name)
            self.rounds[-1].add(model.name)
            self._changed.notify_all()
            mine = self.rounds[-1]
            self._changed.wait_for(lambda: len(mine) > 1, ALONE_AFTER_S)

    def ends(self, model: Any, **_: Any) -> None:
        with self._changed:
            self._under_way.discard(model.name)


def calls_of(stage: Stage) -> AbstractContextManager[Calls]:
    """Collect the calls that the stage's clients make inside this block."""
    return _collect(stage, Calls())


def rounds_of(stage: Stage) -> AbstractContextManager[Rounds]:
    """Collect the calls that the stage's clients make inside this block, and the rounds that they make them in."""
    return _collect(stage, Rounds())


@contextmanager
def _collect(stage: Stage, calls: C) -> Iterator[C]:
    handlers: dict[str, Callable[..., None]] = {
        "before-call": calls.begins,
        "after-call": calls.ends,
        "provide-client-params": calls.asked,
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
