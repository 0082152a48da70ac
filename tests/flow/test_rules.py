"""Rules in every login, through HTTP, as docs/use/rules.md says.

Rules that fail: test_rule_failures.py; what they cannot reach: test_rule_isolation.py; metadata: test_rule_metadata.py.
"""

from typing import Any

import pytest

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.calls import calls_of
from tests.support.http import BACKEND, TIMESHEETS
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.rules import client_with_rules
from tests.support.tokens import claims_of

NAMESPACED = "https://example.com/roles"


@pytest.fixture
def login(people: PeopleMaker) -> dict[str, str]:
    """Somebody's username and password."""
    return {"username": people.make().username, "password": PASSWORD}


def test_namespaced_claim_is_in_both_tokens(stage: Stage, externals: wiring.Externals, people: PeopleMaker) -> None:
    def roles(user: Any, context: Any) -> None:
        context.access_token[NAMESPACED] = user.app_metadata["roles"]
        context.id_token[NAMESPACED] = user.roles
        context.access_token["plan"] = "gold"

    user = people.make(app_metadata={"roles": ["manager"]})
    with client_with_rules(stage, externals, roles) as http:
        answer = http.login(username=user.username, scope="openid read:timesheets")

    assert claims_of(answer)[NAMESPACED] == ["manager"]
    assert claims_of(answer)["plan"] == "gold"
    assert claims_of(answer, "id_token")[NAMESPACED] == ["manager"]


def test_narrowed_scopes_are_in_answer_and_token_alike(
    stage: Stage, externals: wiring.Externals, login: dict[str, str]
) -> None:
    def narrow(_: Any, context: Any) -> None:
        context.access_token.scope = [one for one in context.access_token.scope if one.startswith("read:")]

    with client_with_rules(stage, externals, narrow) as http:
        answer = http.login(**login)

    assert answer.json()["scope"] == claims_of(answer)["scope"] == "read:timesheets"


def test_scope_changed_in_place_counts_too(stage: Stage, externals: wiring.Externals, login: dict[str, str]) -> None:
    def narrow(_: Any, context: Any) -> None:
        context.access_token.scope.remove("approve:timesheets")
        context.access_token.scope.append("made:up")

    with client_with_rules(stage, externals, narrow) as http:
        answer = http.login(**login)

    assert answer.json()["scope"] == "read:timesheets create:timesheets delete:timesheets made:up"


def test_scope_without_offline_access_takes_the_refresh_token_away(
    stage: Stage, externals: wiring.Externals, login: dict[str, str]
) -> None:
    def narrow(_: Any, context: Any) -> None:
        context.access_token.scope = ["read:timesheets"]

    with client_with_rules(stage, externals, narrow) as http:
        answer = http.login(**login, scope="offline_access read:timesheets")

    assert "refresh_token" not in answer.json()


def test_rule_cannot_give_a_refresh_token_that_the_api_forbids(
    stage: Stage, externals: wiring.Externals, login: dict[str, str]
) -> None:
    def widen(_: Any, context: Any) -> None:
        context.access_token.scope = ["read:reports", "offline_access"]

    with client_with_rules(stage, externals, widen) as http:
        answer = http.login(**login, audience="https://api.example.com/reports")

    assert answer.json()["scope"] == "read:reports"
    assert "refresh_token" not in answer.json()


def test_narrowed_scopes_stay_narrowed_at_refresh(
    stage: Stage, externals: wiring.Externals, login: dict[str, str]
) -> None:
    def narrow(_: Any, context: Any) -> None:
        if context.protocol == "oauth2-password":
            context.access_token.scope = ["read:timesheets", "offline_access"]

    with client_with_rules(stage, externals, narrow) as http:
        first = http.login(**login, scope="offline_access read:timesheets delete:timesheets").json()
        again = http.refresh(first["refresh_token"])

    assert again.json()["scope"] == "read:timesheets offline_access"


@pytest.mark.parametrize("scope", [None, "a b\n", [1], ["a b"], ["ü"], ["a"] * 201, {"a": 1}])
def test_scope_that_is_no_list_of_scopes_fails_the_login(
    stage: Stage, externals: wiring.Externals, login: dict[str, str], scope: object
) -> None:
    def wrong(_: Any, context: Any) -> None:
        context.access_token.scope = scope

    with client_with_rules(stage, externals, wrong) as http:
        answer = http.login(**login)
        if scope == "a b\n":
            assert answer.json()["scope"] == "a b"
            return

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert "wrong set context.access_token.scope to something other than a list of scopes" in http.log[-1]["reason"]


@pytest.mark.parametrize(
    "claim", ["iss", "sub", "aud", "exp", "iat", "jti", "azp", "client_id", "gty", "scope", "roles"]
)
def test_restricted_claim_is_left_out_with_a_warning_that_names_the_rule(
    stage: Stage, externals: wiring.Externals, login: dict[str, str], claim: str
) -> None:
    def grab(_: Any, context: Any) -> None:
        context.access_token[claim] = "mine"
        context.id_token[claim] = "mine"

    with client_with_rules(stage, externals, grab) as http:
        answer = http.login(**login, scope="openid")

    assert claims_of(answer).get(claim) != "mine"
    assert claims_of(answer, "id_token").get(claim) != "mine"
    warnings = http.log[-1]["warnings"]
    assert [warning.partition(".")[2] for warning in warnings] == [
        f"grab: access_token claim {claim} left out: the claim is restricted",
        f"grab: id_token claim {claim} left out: the claim is restricted",
    ]


def test_oidc_claim_without_its_scope_is_left_out_with_a_warning(
    stage: Stage, externals: wiring.Externals, login: dict[str, str]
) -> None:
    def show(user: Any, context: Any) -> None:
        context.access_token["email"] = user.email
        context.id_token["nickname"] = "Al"

    with client_with_rules(stage, externals, show) as http:
        with_scope = http.login(**login, scope="openid email profile")
        without = http.login(**login, scope="openid")

    assert claims_of(with_scope)["email"].endswith("@example.com")
    assert claims_of(with_scope, "id_token")["nickname"] == "Al"
    assert "email" not in claims_of(without)
    assert "nickname" not in claims_of(without, "id_token")
    assert len(http.log[-1]["warnings"]) == 2
    assert "warnings" not in http.log[-2]


def test_protocol_says_password_realm_or_refresh(
    stage: Stage, externals: wiring.Externals, login: dict[str, str]
) -> None:
    def tell(_: Any, context: Any) -> None:
        context.access_token["https://example.com/protocol"] = context.protocol

    with client_with_rules(stage, externals, tell) as http:
        first = http.login(**login, scope="offline_access")
        realm = http.realm_login("employees", **login)
        refresh = {"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"], **BACKEND}
        told = [claims_of(answer)["https://example.com/protocol"] for answer in (first, realm, http.token(refresh))]

    assert told == ["oauth2-password", "oauth2-password", "oauth2-refresh-token"]


def test_redirect_is_interaction_required_and_issues_nothing(
    stage: Stage, externals: wiring.Externals, login: dict[str, str]
) -> None:
    def send_away(_: Any, context: Any) -> None:
        context.redirect = {"url": "https://example.com/terms"}

    with client_with_rules(stage, externals, send_away) as http, calls_of(stage) as calls:
        answer = http.login(**login)

    assert answer.status_code == 403
    assert answer.json() == {
        "error": "interaction_required",
        "error_description": "redirection is not available on /oauth/token endpoint",
    }
    assert "Sign" not in calls.made
    assert "send_away set context.redirect" in http.log[-1]["reason"]


def test_denial_is_access_denied_with_its_reason_and_stops_later_rules(
    stage: Stage, externals: wiring.Externals, login: dict[str, str]
) -> None:
    later: list[str] = []

    def deny(_: Any, context: Any) -> None:
        context.deny("Only from the office.")

    with (
        client_with_rules(stage, externals, deny, lambda user, _: later.append(user.user_id)) as http,
        calls_of(stage) as calls,
    ):
        answer = http.login(**login)

    assert answer.status_code == 403
    assert answer.json() == {"error": "access_denied", "error_description": "Only from the office."}
    assert later == []
    assert "Sign" not in calls.made
    assert http.log[-1]["event"] == "fepft"


@pytest.mark.parametrize(
    ("said", "shown"), [("", "The login was denied."), (7, "The login was denied."), ('a"\n', "a??")]
)
def test_odd_reason_of_a_denial_is_still_an_oauth_error(
    stage: Stage, externals: wiring.Externals, login: dict[str, str], said: object, shown: str
) -> None:
    with client_with_rules(stage, externals, lambda _, context: context.deny(said)) as http:
        answer = http.login(**login)

    assert answer.json() == {"error": "access_denied", "error_description": shown}


def test_denied_logins_do_not_block_the_account(
    stage: Stage, externals: wiring.Externals, login: dict[str, str]
) -> None:
    with client_with_rules(stage, externals, lambda _, context: context.deny("no")) as http:
        statuses = {http.login(**login).status_code for _ in range(12)}

    assert statuses == {403}


def test_denied_refresh_does_not_use_the_token_up(
    stage: Stage, externals: wiring.Externals, login: dict[str, str]
) -> None:
    denies = [True]

    def deny(_: Any, context: Any) -> None:
        if denies and context.protocol == "oauth2-refresh-token":
            context.deny("not now")

    with client_with_rules(stage, externals, deny) as http:
        token = http.login(**login, scope="offline_access").json()["refresh_token"]
        refresh = {"grant_type": "refresh_token", "refresh_token": token, **BACKEND}
        refused = http.token(refresh)
        denies.clear()
        retried = http.token(refresh)

    assert (refused.status_code, retried.status_code) == (403, 200)


def test_rules_run_in_the_order_of_the_list_and_see_what_earlier_ones_did(
    stage: Stage, externals: wiring.Externals, login: dict[str, str]
) -> None:
    def first(user: Any, context: Any) -> None:
        user.nickname, user.seen = "set by the first", ["first"]
        context.access_token["n"] = 1

    def second(user: Any, context: Any) -> None:
        context.access_token["n"] += 1
        context.access_token["seen"] = [*user.seen, user.nickname]

    with client_with_rules(stage, externals, first, second) as http:
        answer = http.login(**login, scope="openid profile")

    assert claims_of(answer)["n"] == 2
    assert claims_of(answer)["seen"] == ["first", "set by the first"]
    assert "nickname" not in claims_of(answer, "id_token"), "what a rule changes in user reaches rules alone"


def test_rules_do_not_run_when_the_password_is_wrong_or_the_user_blocked(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    ran: list[str] = []
    user, blocked = people.make(), people.make(blocked=True)
    with client_with_rules(stage, externals, lambda user, _: ran.append(user.user_id)) as http:
        wrong = http.login(username=user.username, password="wrong")
        nobody = http.login(username="nobody-at-all")
        refused = http.login(username=blocked.username)

    assert (wrong.status_code, nobody.status_code, refused.status_code) == (400, 400, 403)
    assert ran == []


def test_rules_do_not_run_for_a_client_on_its_own_behalf(stage: Stage, externals: wiring.Externals) -> None:
    ran: list[str] = []
    with client_with_rules(stage, externals, lambda user, _: ran.append(user.user_id)) as http:
        m2m = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret", "audience": TIMESHEETS}
        assert http.token({"grant_type": "client_credentials", **m2m}).status_code == 200

    assert ran == []


def test_login_without_rules_makes_the_calls_that_it_made_before(
    stage: Stage, externals: wiring.Externals, login: dict[str, str]
) -> None:
    with client_with_rules(stage, externals) as http:
        http.login(**login)
        with calls_of(stage) as calls:
            http.login(**login)

    assert sorted(calls.made) == ["BatchGetItem", "GetItem", "Sign", "UpdateItem", "UpdateItem"]


def test_login_with_rules_makes_no_call_more(stage: Stage, externals: wiring.Externals, login: dict[str, str]) -> None:
    with client_with_rules(stage, externals, *[lambda *_: None for _ in range(10)]) as http:
        http.login(**login)
        with calls_of(stage) as calls:
            http.login(**login)

    assert sorted(calls.made) == ["BatchGetItem", "GetItem", "Sign", "UpdateItem", "UpdateItem"]
