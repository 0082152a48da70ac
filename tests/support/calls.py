"""Collect the AWS calls of a stage's functions, and their rounds."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chalicelib.store.aws.caller import SERVICES
from infra.stage.aws import Stage
from tests.support.fake_aws.expressions import Item
from tests.support.fake_aws.tables import names_by_shape
from tests.support.fake_aws.units import Meter
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
    """Calls, with their rounds. rounds: the operations that were under way together.

    most: of a round; a call waits for a while until there are so many.
    """

    most: int = 2
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
            self._changed.wait_for(lambda: len(mine) >= self.most, ALONE_AFTER_S)

    def end(self, operation: str) -> None:
        with self._changed:
            self._under_way.discard(operation)


def calls_of(stage: Stage) -> AbstractContextManager[Calls]:
    """Collect the calls that the stage's clients make inside this block."""
    return _collect(stage, Calls())


def rounds_of(stage: Stage, most: int = 2) -> AbstractContextManager[Rounds]:
    """Collect the calls that the stage's clients make inside this block, and their rounds. most: calls of a round."""
    return _collect(stage, Rounds(most=most))


@contextmanager
def units_of(stage: Stage) -> Iterator[Meter]:
    """Count DynamoDB's units of the calls that the stage's clients make inside this block."""
    lock = threading.Lock()

    def find(table: str, attributes: Item) -> Item | None:
        # By the tools' own client, so that its calls are none of the stage's.
        key = {name: attributes[name] for name in names_by_shape(table, attributes)}
        return stage.clients.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")

    def around(operation: str, parameters: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
        with lock:
            return meter.ask(operation, dict(parameters), ask)

    meter = Meter(find)
    with around_calls(stage, around):
        yield meter


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
