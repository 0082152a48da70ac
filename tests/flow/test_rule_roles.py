"""Rules see a person's roles, and may change them for one login. Through HTTP."""

from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.accounts.authorization import Authorizations, RoleCatalog, make_role_id
from infra.stage.aws import Stage
from tests.support.clients import make_client
from tests.support.fixed import Clock
from tests.support.mfa import enrol, mfa_token_of, with_otp
from tests.support.people import PeopleMaker
from tests.support.roles import ALL, APPROVE, CREATE, DELETE, EDITOR, READ, api, granted, login, refresh
from tests.support.rules import client_with_rules

GUARD = EDITOR | {"guard": [DELETE]}


def first_time(user: Any, context: Any) -> None:
    if not user.multifactor:
        context.multifactor = {"provider": "any"}


def be_guard(user: Any, context: Any) -> None:
    context.authorization.roles = [*context.authorization.roles, "guard"]


def be_guard_in_place(user: Any, context: Any) -> None:
    context.authorization.roles.append("guard")


def be_nobody(user: Any, context: Any) -> None:
    context.authorization.roles = ()


def add_approve(user: Any, context: Any) -> None:
    context.access_token.scope.append("approve:timesheets")


def drop_read(user: Any, context: Any) -> None:
    context.access_token.scope = [one for one in context.access_token.scope if one != "read:timesheets"]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ((be_guard,), [READ, CREATE, DELETE]),
        ((be_guard_in_place,), [READ, CREATE, DELETE]),
        ((be_nobody,), []),
        ((be_nobody, be_guard), [DELETE]),
        ((add_approve,), [READ, CREATE, APPROVE]),
        ((drop_read,), [CREATE]),
        ((be_guard, drop_read, add_approve), [CREATE, DELETE, APPROVE]),
    ],
    ids=lambda rules: "-".join(getattr(rule, "__name__", "") for rule in rules),
)
def test_roles_that_rules_leave_count_for_this_login_and_are_not_stored(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, rules: Any, expected: list[str]
) -> None:
    user, audience = people.make(roles=("editor",)), api(stage, role_permissions=GUARD)
    with client_with_rules(stage, externals, *rules) as http:
        scope, permissions = granted(login(http, user, audience))

    assert sorted(scope.split()) == sorted(expected)
    assert permissions == expected
    assert people.of("employees").find(user.user_id).roles == ("editor",)


def test_changed_roles_are_what_an_api_without_policies_shows(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    audience = api(stage, role_permissions=GUARD, enforce_policies=False)
    with client_with_rules(stage, externals, be_nobody, be_guard) as http:
        assert granted(login(http, people.make(roles=("editor",)), audience)) == (" ".join(ALL), [DELETE])


def test_role_of_a_rule_gives_no_more_than_was_asked(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    audience = api(stage, role_permissions=GUARD)
    with client_with_rules(stage, externals, be_guard) as http:
        assert granted(login(http, people.make(roles=("editor",)), audience, scope=READ)) == (READ, [READ])


def test_role_of_a_rule_is_bounded_by_the_clients_apis(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    audience = api(stage, role_permissions=GUARD)
    apis = [{"audience": audience, "scope": [READ]}]
    client = {"client_id": make_client(stage, secret="secret", apis=apis), "client_secret": "secret"}
    with client_with_rules(stage, externals, be_guard) as http:
        assert granted(login(http, people.make(roles=("editor",)), audience, **client)) == (READ, [READ])


def test_refresh_shows_rules_the_stored_roles_and_keeps_what_they_add(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    seen: list[list[str]] = []

    def note(user: Any, context: Any) -> None:
        seen.append(list(context.authorization.roles))

    audience = api(stage, role_permissions=GUARD, allow_offline_access=True)
    asked = f"offline_access {' '.join(ALL)}"
    with client_with_rules(stage, externals, note, be_guard) as http:
        first = login(http, people.make(roles=("editor",)), audience, scope=asked)
        second = refresh(http, first)

    assert seen == [["editor"], ["editor"]]
    assert granted(first) == granted(second) == (f"offline_access {READ} {CREATE} {DELETE}", [READ, CREATE, DELETE])


@pytest.mark.parametrize("left", ["manager", None, 7, [7], {"a": 1}, ["x"] * 201], ids=repr)
def test_rule_that_leaves_no_list_of_names_fails_the_login(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, left: Any
) -> None:
    def leave(user: Any, context: Any) -> None:
        context.authorization.roles = left

    with client_with_rules(stage, externals, leave) as http:
        response = http.login(username=people.make().username)
        (line,) = http.log

    assert (response.status_code, response.json()["error"]) == (500, "server_error")
    assert line["reason"].endswith("set context.authorization.roles to something other than a list of names")


def test_rule_that_throws_the_authorization_away_fails_the_login(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    def spoil(user: Any, context: Any) -> None:
        context.authorization = {"roles": ["guard"]}

    with client_with_rules(stage, externals, spoil) as http:
        assert http.login(username=people.make().username).status_code == 500


def test_roles_in_app_metadata_are_no_roles(stage: Stage, externals: wiring.Externals, people: PeopleMaker) -> None:
    seen: list[list[str]] = []
    user = people.make(app_metadata={"roles": ["editor"]})
    with client_with_rules(stage, externals, lambda _, context: seen.append(context.authorization.roles)) as http:
        assert granted(login(http, user, api(stage))) == ("", [])

    assert seen == [[]]


def test_second_factor_keeps_the_roles_and_those_of_rules(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, clock: Clock
) -> None:
    user, audience = people.make(roles=("editor",)), api(stage, role_permissions=GUARD)
    asked = {"username": user.username, "audience": audience, "scope": f"{READ} {DELETE} {APPROVE}"}
    with client_with_rules(stage, externals, first_time, be_guard) as http:
        enrolled = enrol(http, clock, user.username, mfa_token_of(http.login(**asked)))
        clock.advance(60)
        token = mfa_token_of(http.login(**asked))
        answer = with_otp(http, token, enrolled.app.code())

    assert granted(answer.json()) == (f"{READ} {DELETE}", [READ, DELETE])


def test_role_that_is_taken_away_before_the_second_factor_is_gone(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker, clock: Clock
) -> None:
    user, audience = people.make(roles=("editor",)), api(stage)
    asked = {"username": user.username, "audience": audience}
    with client_with_rules(stage, externals, first_time) as http:
        enrolled = enrol(http, clock, user.username, mfa_token_of(http.login(**asked)))
        clock.advance(60)
        token = mfa_token_of(http.login(**asked))
        authorizations = Authorizations(people.of("employees").records, RoleCatalog(stage.config()))
        authorizations.remove_roles(user.user_id, [make_role_id("editor")])
        answer = with_otp(http, token, enrolled.app.code())

    assert granted(answer.json()) == ("", [])
