"""Rules that fail, hang or leave too much behind, through HTTP: docs/use/rules.md."""

import json
import threading
import time
from typing import Any

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.http import BACKEND
from tests.support.limits import WAIT_S
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.rules import Function, client_with_rules


@pytest.fixture
def login(people: PeopleMaker) -> dict[str, str]:
    """Somebody's username and password."""
    return {"username": people.make().username, "password": PASSWORD}


def test_raising_rule_is_server_error_with_name_and_traceback_and_no_secret(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, capfd: pytest.CaptureFixture[str]
) -> None:
    canary = "canary-g07-password"

    def broken(user: Any, context: Any) -> None:
        raise KeyError(f"no such thing in {sorted(vars(user))} {vars(context.request)}")

    user = people.make(password=canary)
    with client_with_rules(stage, externals, broken) as http, calls_of(stage) as calls:
        answer = http.login(username=user.username, password=canary)

    assert answer.status_code == 500
    assert answer.json() == {"error": "server_error", "error_description": "The login could not be completed."}
    assert "Sign" not in calls.made
    line = http.log[-1]
    assert line["reason"].endswith(".broken raised KeyError")
    assert "in broken" in line["traceback"]
    assert "runner.py" not in line["traceback"]
    printed = capfd.readouterr()
    haystack = json.dumps(http.log) + printed.out + printed.err
    assert canary not in haystack
    assert BACKEND["client_secret"] not in haystack


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), RecursionError(), Exception()])
def test_whatever_a_rule_raises_is_server_error(
    stage: Stage, externals: wiring.Externals, login: dict[str, str], raised: BaseException
) -> None:
    def broken(*_: Any) -> None:
        raise raised

    with client_with_rules(stage, externals, broken) as http:
        answer = http.login(**login)

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert http.log[-1]["reason"].endswith(f"raised {type(raised).__name__}")


@pytest.mark.untraced
def test_rule_that_sleeps_past_the_budget_is_left_behind(
    stage: Stage, externals: wiring.Externals, login: dict[str, str]
) -> None:
    wakes = threading.Event()

    def sleepy(*_: Any) -> None:
        wakes.wait(WAIT_S)

    with client_with_rules(stage, externals, sleepy, budget_s=0.1) as http:
        started = time.monotonic()
        answer = http.login(**login)
        took_s = time.monotonic() - started
    wakes.set()

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert took_s < WAIT_S / 2
    assert "sleepy ran past the 0.1 s" in http.log[-1]["reason"]


def test_rule_that_loops_past_the_budget_is_interrupted(
    stage: Stage, externals: wiring.Externals, login: dict[str, str]
) -> None:
    ended = threading.Event()

    def endless(*_: Any) -> None:
        try:
            while True:
                try:
                    sum(range(100))
                except Exception:  # noqa: S112 (a rule that takes every exception for its own)
                    continue
        finally:
            ended.set()

    with client_with_rules(stage, externals, endless, budget_s=0.1) as http:
        answer = http.login(**login)

    assert answer.status_code == 500
    assert ended.wait(WAIT_S), "the rule is stopped, and takes no more of the processor"


def test_rules_share_one_budget(stage: Stage, externals: wiring.Externals, login: dict[str, str]) -> None:
    never = threading.Event()

    def slow(*_: Any) -> None:
        never.wait(0.3)

    def slower(*_: Any) -> None:
        never.wait(0.4)

    with client_with_rules(stage, externals, slow, slower, budget_s=0.5) as http:
        answer = http.login(**login)

    assert answer.status_code == 500
    assert "slower ran past the 0.5 s" in http.log[-1]["reason"]


@pytest.mark.parametrize("scope", ["read:timesheets", "openid"])
def test_claims_over_the_cap_are_refused_and_nothing_is_noted(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, scope: str
) -> None:
    def big(_: Any, context: Any) -> None:
        token = context.id_token if scope == "openid" else context.access_token
        token["https://example.com/big"] = "x" * 4096

    user = people.make()
    with client_with_rules(stage, externals, big) as http, calls_of(stage) as calls:
        answer = http.login(username=user.username, scope=scope)

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert not {"Sign", "TransactWriteItems"} & set(calls.made)
    assert people.of("employees").find(user.user_id).logins_count == 0
    assert "bytes to sign" in http.log[-1]["reason"]


def test_token_of_exactly_the_cap_is_signed(stage: Stage, externals: wiring.Externals, login: dict[str, str]) -> None:
    sizes = iter(range(2000, 4096))

    def grow(_: Any, context: Any) -> None:
        context.access_token["x"] = "x" * size[0]

    size = [next(sizes)]
    with client_with_rules(stage, externals, grow) as http:
        length = len(http.login(**login).json()["access_token"].rpartition(".")[0])
        # Three bytes of claims are four of base64.
        size[0] += (4096 - length) * 3 // 4
        fits = http.login(**login)
        size[0] += 2
        over = http.login(**login)

    assert 4094 <= len(fits.json()["access_token"].rpartition(".")[0]) <= 4096
    assert over.status_code == 500


@pytest.mark.parametrize(
    "spoil",
    [
        lambda user, _: setattr(user, "app_metadata", None),
        lambda user, _: user.app_metadata.update(x=object()),
        lambda user, _: user.user_metadata.update(x=float("nan")),
        lambda user, _: user.app_metadata.update(x="x" * 33_000),
        lambda user, _: user.app_metadata.update(x=user.app_metadata),
        lambda _, context: setattr(context, "access_token", {}),
        lambda _, context: context.access_token.update(x=object()),
        lambda _, context: context.access_token.update(x=float("inf")),
        lambda _, context: delattr(context, "redirect"),
        lambda _, context: delattr(context, "id_token"),
    ],
)
def test_what_no_rule_may_leave_fails_the_login(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, spoil: Function
) -> None:
    user = people.make()
    with client_with_rules(stage, externals, spoil) as http, calls_of(stage) as calls:
        answer = http.login(username=user.username)

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert "rule" in http.log[-1]["reason"], "the log says that it was the rules"
    assert "Sign" not in calls.made
    assert people.of("employees").find(user.user_id).app_metadata == {}
