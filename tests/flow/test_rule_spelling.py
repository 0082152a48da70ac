"""Names that a ported rule spells as JavaScript does: the login stops, the log says what was meant. Through HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules

Act = Callable[[Any, Any], object]

SET: dict[str, tuple[str, str]] = {
    "context.idToken": ("context.idToken", "id_token"),
    "context.accessToken": ("context.accessToken", "access_token"),
    "context.accesstoken": ("context.accesstoken", "access_token"),
    "context.multiFactor": ("context.multiFactor", "multifactor"),
    "context.multi_factor": ("context.multi_factor", "multifactor"),
    "context.Redirect": ("context.Redirect", "redirect"),
    "context.clientID": ("context.clientID", "client_id"),
    "context.primaryUser": ("context.primaryUser", "primary_user"),
    "user.appMetadata": ("user.appMetadata", "app_metadata"),
    "user.userMetadata": ("user.userMetadata", "user_metadata"),
    "user.emailVerified": ("user.emailVerified", "email_verified"),
}


@pytest.fixture
def username(people: PeopleMaker) -> str:
    return str(people.make().username)


@pytest.mark.parametrize(("path", "right"), SET.values(), ids=SET)
def test_member_set_under_another_spelling_stops_the_login(
    stage: Stage, externals: wiring.Externals, username: str, path: str, right: str
) -> None:
    thing, _, name = path.partition(".")

    def ported(user: Any, context: Any) -> None:
        setattr({"user": user, "context": context}[thing], name, {"provider": "any"})

    with client_with_rules(stage, externals, ported) as http:
        answer = http.login(username=username)

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert http.log[-1]["reason"].endswith(f".ported set {path}: did you mean {right}?")


READ: dict[str, tuple[Act, str]] = {
    "context.idToken": (lambda _, context: context.idToken, "id_token"),
    "context.accessToken": (lambda _, context: context.accessToken.scope, "access_token"),
    "context.clientMetadata": (lambda _, context: context.clientMetadata, "client_metadata"),
    "context.stats.loginsCount": (lambda _, context: context.stats.loginsCount, "logins_count"),
    "context.request.userAgent": (lambda _, context: context.request.userAgent, "user_agent"),
    "user.appMetadata": (lambda user, _: user.appMetadata, "app_metadata"),
    "user.lastLogin": (lambda user, _: user.lastLogin, "last_login"),
    "context.access_token.Scope": (lambda _, context: context.access_token.Scope, "scope"),
}


@pytest.mark.parametrize(("read", "right"), READ.values(), ids=READ)
def test_member_read_under_another_spelling_is_told_what_was_meant(
    stage: Stage, externals: wiring.Externals, username: str, read: Act, right: str
) -> None:
    with client_with_rules(stage, externals, read) as http:
        answer = http.login(username=username)

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert http.log[-1]["reason"].endswith(f"raised AttributeError: did you mean {right}?")


def test_scope_of_a_token_under_another_spelling_cannot_be_set(
    stage: Stage, externals: wiring.Externals, username: str
) -> None:
    def ported(_: Any, context: Any) -> None:
        context.access_token.scopes = []

    with client_with_rules(stage, externals, ported) as http:
        assert http.login(username=username).status_code == 500


def test_attribute_error_of_something_else_is_told_as_it_is(
    stage: Stage, externals: wiring.Externals, username: str
) -> None:
    def broken(user: Any, _: Any) -> None:
        user.app_metadata.idToken  # noqa: B018 (reading it is the fault)

    with client_with_rules(stage, externals, broken) as http:
        assert http.login(username=username).status_code == 500

    assert http.log[-1]["reason"].endswith("raised AttributeError")


def test_word_of_one_rule_to_the_next_is_no_misspelling(
    stage: Stage, externals: wiring.Externals, username: str
) -> None:
    seen: list[object] = []

    def first(user: Any, context: Any) -> None:
        context.risk = user.risk = "low"

    with client_with_rules(
        stage, externals, first, lambda user, context: seen.append((user.risk, context.risk))
    ) as http:
        assert http.login(username=username).status_code == 200

    assert seen == [("low", "low")]


def test_member_of_app_metadata_may_have_any_spelling(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    seen: list[object] = []
    user = people.make(app_metadata={"phoneNumber": "1"})
    with client_with_rules(stage, externals, lambda user, _: seen.append(user.phoneNumber)) as http:
        assert http.login(username=user.username).status_code == 200

    assert seen == ["1"]


@pytest.mark.parametrize("name", ["allowRememberBrowser", "allow_remember_browser", "ignoreCookie"])
def test_member_of_multifactor_without_effect_is_a_warning(
    stage: Stage, externals: wiring.Externals, username: str, name: str
) -> None:
    def ported(_: Any, context: Any) -> None:
        context.multifactor = {"provider": "any", name: True}

    with client_with_rules(stage, externals, ported) as http:
        answer = http.login(username=username)

    assert answer.json()["error"] == "mfa_required"
    (warning,) = http.log[-1]["warnings"]
    assert warning.endswith(f".ported: context.multifactor: no effect here: {name}")
