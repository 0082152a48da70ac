"""The settings of rules: a document each, sealed by itself and read together (docs/adr/0031), through HTTP."""

import json

from chalicelib import wiring
from chalicelib.store.configuration.rule_settings import RuleSettings
from chalicelib.store.configuration.vault import Vault, seal
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.config import document_of
from tests.support.fixed import Clock
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules
from tests.support.threads import at_once


def settings_of(stage: Stage, externals: wiring.Externals) -> RuleSettings:
    """Return the settings as the tools have them."""
    return RuleSettings(stage.config(), Vault(stage.aws, stage.name), externals.clock, lifetime_s=0)


def test_setting_in_the_place_of_another_does_not_open(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    user = people.make()
    settings_of(stage, externals).write({"A": "1", "B": "2"})
    stage.config().put("rule_setting#A", document_of(stage, "rule_setting#B"))
    try:
        with client_with_rules(stage, externals, lambda *_: None) as http:
            answer = http.login(username=user.username)
    finally:
        settings_of(stage, externals).write({})

    assert answer.status_code == 500
    assert "access_token" not in answer.json()


def test_settings_of_the_version_before_are_read(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, clock: Clock
) -> None:
    seen: list[dict[str, str]] = []
    user, settings = people.make(), settings_of(stage, externals)
    put_of_version_before(stage, {"A": "1", "B": "2"})
    try:
        with client_with_rules(stage, externals, lambda _, context: seen.append(dict(context.configuration))) as http:
            http.login(username=user.username)
            settings.put("B", "3")
            clock.advance(61)
            http.login(username=user.username)
            settings.delete("A")
            clock.advance(61)
            http.login(username=user.username)
    finally:
        settings_of(stage, externals).write({})

    assert seen == [{"A": "1", "B": "2"}, {"A": "1", "B": "3"}, {"B": "3"}]


def put_of_version_before(stage: Stage, values: dict[str, str]) -> None:
    """Write settings as the version before did: all in one document."""
    data_key, stored = Vault(stage.aws, stage.name).new_key("rules")
    stage.config().put("rule_settings", {"data_key": stored, "sealed": seal(data_key, json.dumps(values), "rules")})


def test_hundreds_of_settings_are_read_and_one_data_key_is_opened(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    seen: list[dict[str, str]] = []
    user, values = people.make(), {f"NAME_{number}": str(number) for number in range(210)}
    settings_of(stage, externals).write(values)
    settings_of(stage, externals).put("NAME_7", "changed")
    try:
        rule = client_with_rules(stage, externals, lambda _, context: seen.append(dict(context.configuration)))
        with rule as http, calls_of(stage) as calls:
            http.login(username=user.username)
    finally:
        settings_of(stage, externals).write({})

    assert seen == [values | {"NAME_7": "changed"}]
    # The other one is the stage's own key.
    assert calls.made.count("Decrypt") == 2


def test_settings_that_are_put_at_the_same_time_are_all_kept(stage: Stage, externals: wiring.Externals) -> None:
    try:
        at_once(4, lambda number: settings_of(stage, externals).put(f"NAME_{number}", str(number)))
        found = settings_of(stage, externals).read()
    finally:
        settings_of(stage, externals).write({})

    assert found == {f"NAME_{number}": str(number) for number in range(4)}
