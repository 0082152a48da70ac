"""`gatehouse rules settings`: written unseen, listed by name, read by rules alone."""

from typing import Any

import pytest

from chalicelib import wiring
from tests.cli.account import items
from tests.cli.conftest import Gatehouse
from tests.support.fixed import Clock
from tests.support.rules import client_with_rules
from tests.support.tokens import claims_in

SECRET = "canary-of-a-setting"
TOLD = "https://example.com/told"
MINUTE_S = 61


def tell(user: Any, context: Any) -> None:
    context.access_token[TOLD] = context.configuration


def put(gatehouse: Gatehouse, name: str, value: str) -> None:
    ran = gatehouse.run("rules", "settings", "set", name, "--stdin", typed=value)
    assert (ran.code, ran.out, ran.err) == (0, f"{name} is set.\n", "")


def names(gatehouse: Gatehouse) -> list[str]:
    ran = gatehouse.run("rules", "settings", "list")
    assert (ran.code, ran.err) == (0, "")
    return ran.out.splitlines()


def test_no_setting_is_there_at_first(own: Gatehouse) -> None:
    assert names(own) == []


def test_list_has_the_names_alone(own: Gatehouse) -> None:
    put(own, "SLACK_URL", SECRET)
    put(own, "API_KEY", SECRET)
    assert names(own) == ["API_KEY", "SLACK_URL"]


def test_typed_value_is_shown_nowhere(own: Gatehouse) -> None:
    ran = own.run("rules", "settings", "set", "API_KEY", typed=f"{SECRET}\n{SECRET}\n")
    assert (ran.code, names(own)) == (0, ["API_KEY"])
    assert SECRET not in ran.out + ran.err


def test_value_is_sealed_in_the_table(own: Gatehouse) -> None:
    put(own, "API_KEY", SECRET)
    assert SECRET not in "".join(items(own.stage, f"{own.stage.prefix}config"))


@pytest.mark.parametrize("value", ["", "x" * 4097])
def test_value_of_no_or_too_many_characters_is_refused(own: Gatehouse, value: str) -> None:
    ran = own.run("rules", "settings", "set", "API_KEY", "--stdin", typed=value)
    assert (ran.code, ran.out, ran.err) == (2, "", "A setting has 1 to 4096 characters.\n")
    assert names(own) == []


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 128])
def test_bad_name_is_refused_before_a_value_is_asked(own: Gatehouse, name: str) -> None:
    ran = own.run("rules", "settings", "set", name)
    said = "A setting's name has 1 to 127 letters, digits and _ - @ * + : in it.\n"
    assert (ran.code, ran.out, ran.err) == (2, "", said)


def test_unset_deletes_one_setting(own: Gatehouse) -> None:
    put(own, "API_KEY", SECRET)
    put(own, "OTHER", SECRET)
    ran = own.run("rules", "settings", "unset", "API_KEY")
    assert (ran.code, ran.out, names(own)) == (0, "API_KEY is gone.\n", ["OTHER"])


def test_unset_of_what_is_not_there_is_refused(own: Gatehouse) -> None:
    ran = own.run("rules", "settings", "unset", "API_KEY")
    said = f"Stage {own.stage.name} has no rule setting API_KEY.\n"
    assert (ran.code, ran.out, ran.err) == (2, "", said)


def test_stage_without_a_data_key_says_to_run_up(own: Gatehouse) -> None:
    own.stage.clients.kms.delete_alias(AliasName=f"alias/gatehouse-{own.stage.name}-data-mrk")
    ran = own.run("rules", "settings", "set", "API_KEY", "--stdin", typed=SECRET)
    said = "The stage is not ready (missing: the data key). Run `gatehouse up` with this file first.\n"
    assert (ran.code, ran.out, ran.err) == (2, "", said)


@pytest.mark.parametrize("words", [("set", "API_KEY"), ("list",), ("unset", "API_KEY")], ids=" ".join)
def test_stage_that_does_not_exist_is_one_clear_line_and_exit_2(gatehouse: Gatehouse, words: tuple[str, ...]) -> None:
    ran = gatehouse.run("rules", "settings", *words)
    said = "No such stage in this account and region."
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(said)


def test_rules_read_a_setting_within_a_minute(own: Gatehouse, externals: wiring.Externals, clock: Clock) -> None:
    own.run("users", "add", "--realm", "staff", "--username", "pat", "--password-stdin", typed="pats password\n")
    login = {"grant_type": "password", "client_id": "app", "client_secret": "the long secret of the app"}
    login |= {"username": "pat", "password": "pats password"}
    with client_with_rules(own.stage, externals, tell) as http:
        first = http.token(login)
        put(own, "API_KEY", "first line\nsecond line\n")
        clock.advance(MINUTE_S)
        second = http.token(login)
    assert [claims_in(answer.json()["access_token"])[TOLD] for answer in (first, second)] == [
        {},
        {"API_KEY": "first line\nsecond line"},
    ]
