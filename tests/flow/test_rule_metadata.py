"""The metadata that rules write, through HTTP: docs/use/rules.md."""

from typing import Any

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.faults import aws_error, failing
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules


def test_metadata_is_kept_once_also_where_a_later_rule_denies(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    def count(user: Any, _: Any) -> None:
        user.app_metadata["seen"] = user.app_metadata.get("seen", 0) + 1
        user.user_metadata["theme"] = "dark"
        user.name = "not kept"

    user = people.make(app_metadata={"roles": ["a"]}, name="Ada")
    denial: list[str] = []
    with client_with_rules(stage, externals, count, lambda _, context: [context.deny(why) for why in denial]) as http:
        with calls_of(stage) as calls:
            assert http.login(username=user.username).status_code == 200
        denial.append("no")
        assert http.login(username=user.username).status_code == 403

    kept = people.of("employees").find(user.user_id)
    assert calls.made.count("UpdateItem") == 3, "the attempt, the metadata, and the login"
    assert kept.app_metadata == {"roles": ["a"], "seen": 2}
    assert kept.user_metadata == {"theme": "dark"}
    assert kept.name == "Ada"


def test_metadata_of_a_raising_rule_is_not_kept(stage: Stage, externals: wiring.Externals, people: PeopleMaker) -> None:
    def broken(user: Any, _: Any) -> None:
        user.app_metadata["half"] = "done"
        raise ValueError

    user = people.make()
    with client_with_rules(stage, externals, broken) as http:
        assert http.login(username=user.username).status_code == 500

    assert people.of("employees").find(user.user_id).app_metadata == {}


def test_metadata_changed_by_somebody_else_meanwhile_is_merged(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    user = people.make(app_metadata={"roles": ["a"], "old": 1})
    store = people.of("employees").users

    def change(shown: Any, _: Any) -> None:
        admin = store.read(user.user_id)
        assert admin
        store.put_metadata(admin, {"app_metadata": {"roles": ["a", "b"], "old": 1}}, 1)
        shown.app_metadata["new"] = 2
        del shown.app_metadata["old"]

    with client_with_rules(stage, externals, change) as http:
        assert http.login(username=user.username).status_code == 200

    assert people.of("employees").find(user.user_id).app_metadata == {"roles": ["a", "b"], "new": 2}


def test_metadata_that_cannot_be_kept_fails_closed(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    def change(user: Any, _: Any) -> None:
        user.app_metadata["n"] = 1

    user = people.make()
    with client_with_rules(stage, externals, change) as http:
        with failing(stage, "UpdateItem", aws_error("InternalServerError"), range(1, 2)), calls_of(stage) as calls:
            refused = http.login(username=user.username)
        retried = http.login(username=user.username)

    assert (refused.status_code, retried.status_code) == (503, 200)
    assert "Sign" not in calls.made
