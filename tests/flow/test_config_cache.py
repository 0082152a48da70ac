"""The configuration is cached for a minute at most, and no two processes read it again at the same moment."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.fixed import Clock
from tests.support.rules import client_with_rules
from tests.support.stages import client_of

# Chosen of 13 numbers, 0 to 12.
CHOICES: dict[str, tuple[Callable[[int], int], int]] = {
    "longest": (lambda _: 0, 60),
    "shortest": (lambda below: below - 1, 48),
    "between": (lambda _: 5, 55),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_document_is_read_again_after_a_lifetime_that_chance_shortens(
    stage: Stage, externals: wiring.Externals, clock: Clock, choice: str
) -> None:
    choose, lifetime_s = CHOICES[choice]
    clock.now = int(clock.now)
    with client_of(stage, replace(externals, choose=choose)) as http:
        http.login()
        read = []
        for seconds in (lifetime_s - 1, 1):
            clock.advance(seconds)
            with calls_of(stage) as calls:
                http.login()
            read.append("test-config" in str(calls.parameters))

    assert read == [False, True]


def test_documents_of_one_process_end_at_different_times(
    stage: Stage, externals: wiring.Externals, clock: Clock
) -> None:
    clock.now = int(clock.now)
    chosen = iter(range(1_000))
    with client_of(stage, replace(externals, choose=lambda below: next(chosen) % below)) as http:
        http.login()
        read = []
        for seconds in (47, *[1] * 13):
            clock.advance(seconds)
            with calls_of(stage) as calls:
                http.login()
            read.append(str(calls.parameters).count("test-config"))

    assert read[0] == 0
    assert sum(read[:14]) >= 5
    assert max(read) < sum(read) / 2


@pytest.mark.parametrize("choice", CHOICES)
def test_settings_of_rules_are_read_again_after_a_lifetime_that_chance_shortens(
    stage: Stage, externals: wiring.Externals, clock: Clock, choice: str
) -> None:
    choose, lifetime_s = CHOICES[choice]
    clock.now = int(clock.now)
    with client_with_rules(stage, replace(externals, choose=choose), lambda *_: None) as http:
        http.login()
        read = []
        for seconds in (lifetime_s - 1, 1):
            clock.advance(seconds)
            with calls_of(stage) as calls:
                http.login()
            read.append("rule_settings" in str(calls.parameters))

    assert read == [False, True]
