"""Rules that go wrong in ways that nobody meant: what the next login, the log and the store see of it."""

import json
import sys
import threading
from typing import Any
from urllib.parse import quote_plus

import jwt
import pytest

from chalicelib import deadline, wiring
from chalicelib.http import log
from chalicelib.rules import runner
from infra.stage.aws import Stage
from tests.flow.test_rule_context import settings_of
from tests.support.faults import before
from tests.support.http import BACKEND
from tests.support.limits import WAIT_S
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.rules import client_with_rules

PEM = "-----BEGIN PRIVATE KEY-----\nMIIcanary+key/with=all\n-----END PRIVATE KEY-----\n"


def nested(depth: int) -> dict[str, Any]:
    """Return metadata of so many levels."""
    made: dict[str, Any] = {}
    for _ in range(depth - 1):
        made = {"before": made}
    return made


def test_secrets_are_out_of_reach_however_deep_they_stand(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    canary = "canary-g11-nested"
    seen: list[Any] = []
    user = people.make(password=canary)
    body = {
        "login": {"Password": canary, "again": canary, "device": "phone", "all": [canary, {"otp": 7, "x": [canary]}]},
        "tokens": [{"refresh_token": "canary-other", "kind": "old"}],
        "grant_type": "password",
        "username": user.username,
        "password": canary,
        **BACKEND,
    }
    with client_with_rules(stage, externals, lambda _, context: seen.append(context.request)) as http:
        answer = http.post(f"/oauth/token?seen={canary}&ui_locales=de", json=body)

    assert answer.status_code == 200, answer.text
    (request,) = seen
    assert "canary" not in repr([request.body, request.query])
    assert request.body["login"] == {"device": "phone", "all": [{"x": []}]}
    assert request.body["tokens"] == [{"kind": "old"}]
    assert request.query == {"ui_locales": "de"}


def test_metadata_that_deepens_with_each_login_never_locks_anybody_out(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    def deepen(user: Any, _: Any) -> None:
        user.app_metadata = nested(600)

    user = people.make(app_metadata=nested(3))
    with client_with_rules(stage, externals, deepen) as http:
        answer = http.login(username=user.username)
    with client_with_rules(stage, externals, lambda *_: None) as http:
        later = http.login(username=user.username)

    assert (answer.status_code, later.status_code) == (500, 200)
    assert people.of("employees").find(user.user_id).app_metadata == nested(3)


@pytest.mark.parametrize(("depth", "status"), [(32, 200), (33, 500)])
def test_metadata_is_kept_up_to_32_levels(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, depth: int, status: int
) -> None:
    def deepen(user: Any, _: Any) -> None:
        user.user_metadata = nested(depth)

    user = people.make()
    with client_with_rules(stage, externals, deepen) as http:
        assert http.login(username=user.username).status_code == status

    assert people.of("employees").find(user.user_id).user_metadata == (nested(32) if status == 200 else {})


def test_what_a_rule_keeps_of_metadata_changes_nothing_that_is_stored(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    kept: list[Any] = []
    user = people.make()
    store = people.of("employees").users

    def keep(shown: Any, _: Any) -> None:
        shown.app_metadata["seen"] = 1
        kept.append(shown.app_metadata)

    def change_late() -> None:
        kept[0]["seen"] = "changed after the rules had run"
        seen = store.read(user.user_id)
        assert seen
        store.put_metadata(seen, {"app_metadata": {"by": "an admin"}}, 1)

    with client_with_rules(stage, externals, keep) as http, before(stage, "UpdateItem", change_late, range(1, 2)):
        assert http.login(username=user.username).status_code == 200

    assert people.of("employees").find(user.user_id).app_metadata == {"by": "an admin", "seen": 1}


@pytest.mark.untraced
def test_hanging_rules_stop_being_started_before_there_is_no_thread_left(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    ended, ran = threading.Event(), []
    hanging = [one for one in threading.enumerate() if one.name == runner.THREAD]
    for _ in range(deadline.MAX_THREADS - len(hanging) - 3):
        threading.Thread(target=ended.wait, args=(WAIT_S,), name=runner.THREAD, daemon=True).start()

    def hang(*_: Any) -> None:
        ran.append(1)
        ended.wait(WAIT_S)

    user = people.make()
    with client_with_rules(stage, externals, hang, budget_s=0.05) as http:
        reasons = []
        for _ in range(5):
            assert http.login(username=user.username).json()["error"] == "server_error"
            reasons.append(http.log[-1]["reason"])
        ended.set()
        for thread in threading.enumerate():
            if thread.name == runner.THREAD and thread not in hanging:
                thread.join(WAIT_S)
        after = http.login(username=user.username)

    assert len(ran) == 4
    assert [reason.endswith("so none is run") for reason in reasons] == [False] * 3 + [True] * 2
    assert after.status_code == 200


def test_rule_that_leaves_a_thread_behind_does_not_hold_its_login_up(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    ended = threading.Event()

    def start(user: Any, context: Any) -> None:
        def late() -> None:
            ended.wait(WAIT_S)
            context.access_token["late"] = user.app_metadata["late"] = True

        threading.Thread(target=late, daemon=True).start()

    user = people.make()
    with client_with_rules(stage, externals, start) as http:
        answer = http.login(username=user.username)
    ended.set()

    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert "late" not in claims


@pytest.mark.parametrize("claim", ["half\ud800", "https://example.com/half"])
def test_claim_that_no_token_can_hold_names_its_rule(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, claim: str
) -> None:
    def halve(_: Any, context: Any) -> None:
        context.access_token[claim] = "half \ud800"

    with client_with_rules(stage, externals, lambda *_: None, halve, lambda *_: None) as http:
        answer = http.login(username=people.make().username)

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert ".halve set the access_token claim" in http.log[-1]["reason"]


def test_warning_names_the_rule_that_set_the_claim_last(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    def first(_: Any, context: Any) -> None:
        context.access_token.update(iss="first", aud="first", sub="first")

    def second(_: Any, context: Any) -> None:
        context.access_token["iss"] = "second"
        del context.access_token["aud"]

    with client_with_rules(stage, externals, first, second) as http:
        assert http.login(username=people.make().username).status_code == 200

    named = sorted(warning.partition(".")[2].partition(" left")[0] for warning in http.log[-1]["warnings"])
    assert named == ["first: access_token claim sub", "second: access_token claim iss"]


@pytest.mark.parametrize("hostile", ['x\n{"event":"s"}', "x\r\ny", "x\u2028y", "\x1b[2Jx"])
def test_names_and_words_of_rules_stay_in_their_one_line_of_the_log(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, capfd: pytest.CaptureFixture[str], hostile: str
) -> None:
    def set_and_raise(_: Any, context: Any) -> None:
        context.access_token[hostile] = object()

    def claim_and_deny(_: Any, context: Any) -> None:
        context.access_token["aud"] = context.access_token[hostile] = hostile
        context.deny(hostile)

    def fail(*_: Any) -> None:
        raise type(hostile, (Exception,), {})(hostile)

    lines: list[dict[str, Any]] = []
    for rule in (set_and_raise, claim_and_deny, fail):
        rule.__name__ = hostile
        with client_with_rules(stage, externals, rule) as http:
            assert http.login(username=people.make().username).status_code in (403, 500)
            lines += http.log
    capfd.readouterr()
    for line in lines:
        log.write_line(line)

    printed = capfd.readouterr().out
    assert len(printed.splitlines()) == len(lines) == 3
    assert printed.isascii()
    assert "\x1b" not in printed


@pytest.mark.parametrize("said", ["{0}", "{0!r}", "['{0!r}']", "https://crm.example.com/?key={1}&x=1"])
def test_setting_is_not_in_the_log_however_a_message_spells_it(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, said: str
) -> None:
    def broken(_: Any, context: Any) -> None:
        key = context.configuration["KEY"]
        raise ValueError(said.format(key, quote_plus(key)))

    settings_of(stage, externals).write({"KEY": PEM})
    try:
        with client_with_rules(stage, externals, broken) as http:
            assert http.login(username=people.make().username).status_code == 500
    finally:
        settings_of(stage, externals).write({})

    assert "MIIcanary" not in json.dumps(http.log)
    assert "[KEY]" in http.log[-1]["traceback"]


def test_rule_that_exits_ends_its_login_alone(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, capfd: pytest.CaptureFixture[str]
) -> None:
    with client_with_rules(stage, externals, lambda *_: sys.exit(7)) as http:
        statuses = [http.login(username=people.make().username, password=PASSWORD).status_code for _ in range(2)]

    assert statuses == [500, 500]
    assert capfd.readouterr().err == ""
