"""AWS calls of the tools, cut off: the n-th call fails, before AWS sees it or after AWS has done it."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS

from infra.stage.aws import Stage

CHANGING = ("Create", "Execute", "Delete", "Put", "Update", "Enable", "Tag", "Generate")


class Cut(Exception):
    """The connection is gone, or the operator has pressed Ctrl-C."""


@dataclass
class Calls:
    """The calls of one run. fails_at: the number, counted from 0, of the one that fails; -1 for none."""

    fails_at: int = -1
    made: list[str] = field(default_factory=list)

    def count(self, model: Any, **_: Any) -> None:
        self.made.append(str(model.name))
        if len(self.made) - 1 == self.fails_at:
            raise Cut(model.name)


@contextmanager
def cut_at(stage: Stage, number: int, when: str = "before-call") -> Iterator[Calls]:
    """Fail the call of that number. when: before-call, or after-call for an answer that is lost."""
    calls = Calls(number)
    clients: list[Any] = [stage.clients.dynamodb, stage.clients.kms, stage.cloudformation]
    for client in clients:
        client.meta.events.register(when, calls.count)
    try:
        yield calls
    finally:
        for client in clients:
            client.meta.events.unregister(when, calls.count)


@contextmanager
def acting_at(
    number: int, act: Callable[[], object], when: str = "before-call", for_good: bool = False
) -> Iterator[list[str]]:
    """Act at the call of that number, counted from 0, of all clients that are made inside this block; yield the calls.

    A command makes its own clients, which `cut_at` does not see. for_good: act at each later call too.
    """
    numbers, made = itertools.count(), list[str]()

    def count(model: Any, **_: Any) -> None:
        one = next(numbers)
        made.append(str(model.name))
        if one == number or (for_good and one > number):
            act()

    BUILTIN_HANDLERS.append((when, count))
    try:
        yield made
    finally:
        BUILTIN_HANDLERS.remove((when, count))
