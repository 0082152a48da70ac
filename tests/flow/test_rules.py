"""Rules in every login, through HTTP: row G of the cases, and docs/rules.md."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from chalicelib import wiring
from infra.aws import Stage
from tests.support.calls import calls_of
from tests.support.clients import make_client
from tests.support.faults import aws_error, failing
from tests.support.http import BACKEND, TIMESHEETS
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.rules import ruled

NAMESPACED = "https://example.com/roles"
Rule = Callable[[Any, Any], object]


def claims_of(answer: Any, name: str = "access_token") -> dict[str, Any]:
    """Return the claims of a token in an answer, unverified."""
    assert answer.status_code == 200, answer.text
    return jwt.decode(answer.json()[name], options={"verify_signature": False})


@pytest.fixture
def login(people: PeopleMaker) -> dict[str, str]:
    """Somebody's username and password."""
    return {"username": people.make().username, "password": PASSWORD}


def test_namespaced_claim_is_in_both_tokens_g01(stage: Stage, world: wiring.World, people: PeopleMaker) -> None:
    def roles(user: Any, context: Any) -> None:
        context.access_token[NAMESPACED] = user.app_metadata["roles"]
        context.id_token[NAMESPACED] = user.roles
        context.access_token["plan"] = "gold"

    user = people.make(app_metadata={"roles": ["manager"]})
    with ruled(stage, world, roles) as http:
        answer = http.login(username=user.username, scope="openid read:timesheets")

    assert claims_of(answer)[NAMESPACED] == ["manager"]
    assert claims_of(answer)["plan"] == "gold"
    assert claims_of(answer, "id_token")[NAMESPACED] == ["manager"]


def test_narrowed_scopes_are_in_answer_and_token_alike_g02(
    stage: Stage, world: wiring.World, login: dict[str, str]
) -> None:
    def narrow(_: Any, context: Any) -> None:
        context.access_token.scope = [one for one in context.access_token.scope if one.startswith("read:")]

    with ruled(stage, world, narrow) as http:
        answer = http.login(**login)

    assert answer.json()["scope"] == claims_of(answer)["scope"] == "read:timesheets"


def test_scope_changed_in_place_counts_too(stage: Stage, world: wiring.World, login: dict[str, str]) -> None:
    def narrow(_: Any, context: Any) -> None:
        context.access_token.scope.remove("approve:timesheets")
        context.access_token.scope.append("made:up")

    with ruled(stage, world, narrow) as http:
        answer = http.login(**login)

    assert answer.json()["scope"] == "read:timesheets create:timesheets delete:timesheets made:up"


def test_scope_without_offline_access_takes_the_refresh_token_away(
    stage: Stage, world: wiring.World, login: dict[str, str]
) -> None:
    def narrow(_: Any, context: Any) -> None:
        context.access_token.scope = ["read:timesheets"]

    with ruled(stage, world, narrow) as http:
        answer = http.login(**login, scope="offline_access read:timesheets")

    assert "refresh_token" not in answer.json()


def test_rule_cannot_give_a_refresh_token_that_the_api_forbids(
    stage: Stage, world: wiring.World, login: dict[str, str]
) -> None:
    def widen(_: Any, context: Any) -> None:
        context.access_token.scope = ["read:reports", "offline_access"]

    with ruled(stage, world, widen) as http:
        answer = http.login(**login, audience="https://api.example.com/reports")

    assert answer.json()["scope"] == "read:reports"
    assert "refresh_token" not in answer.json()


def test_narrowed_scopes_stay_narrowed_at_refresh(stage: Stage, world: wiring.World, login: dict[str, str]) -> None:
    def narrow(_: Any, context: Any) -> None:
        if context.protocol == "oauth2-password":
            context.access_token.scope = ["read:timesheets", "offline_access"]

    with ruled(stage, world, narrow) as http:
        first = http.login(**login, scope="offline_access read:timesheets delete:timesheets").json()
        again = http.token({"grant_type": "refresh_token", "refresh_token": first["refresh_token"], **BACKEND})

    assert again.json()["scope"] == "read:timesheets offline_access"


@pytest.mark.parametrize("scope", [None, "a b\n", [1], ["a b"], ["ü"], ["a"] * 201, {"a": 1}])
def test_scope_that_is_no_list_of_scopes_fails_the_login(
    stage: Stage, world: wiring.World, login: dict[str, str], scope: object
) -> None:
    def wrong(_: Any, context: Any) -> None:
        context.access_token.scope = scope

    with ruled(stage, world, wrong) as http:
        answer = http.login(**login)
        if scope == "a b\n":
            assert answer.json()["scope"] == "a b"
            return

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert "wrong left context.access_token.scope as no list of scopes" in http.log[-1]["reason"]


@pytest.mark.parametrize(
    "claim", ["iss", "sub", "aud", "exp", "iat", "jti", "azp", "client_id", "gty", "scope", "roles"]
)
def test_restricted_claim_is_left_out_with_a_warning_that_names_the_rule_g03(
    stage: Stage, world: wiring.World, login: dict[str, str], claim: str
) -> None:
    def grab(_: Any, context: Any) -> None:
        context.access_token[claim] = "mine"
        context.id_token[claim] = "mine"

    with ruled(stage, world, grab) as http:
        answer = http.login(**login, scope="openid")

    assert claims_of(answer).get(claim) != "mine"
    assert claims_of(answer, "id_token").get(claim) != "mine"
    warnings = http.log[-1]["warnings"]
    assert [warning.partition(".")[2] for warning in warnings] == [
        f"grab: access_token claim {claim} left out: the claim is restricted",
        f"grab: id_token claim {claim} left out: the claim is restricted",
    ]


def test_oidc_claim_without_its_scope_is_left_out_with_a_warning(
    stage: Stage, world: wiring.World, login: dict[str, str]
) -> None:
    def show(user: Any, context: Any) -> None:
        context.access_token["email"] = user.email
        context.id_token["nickname"] = "Al"

    with ruled(stage, world, show) as http:
        with_scope = http.login(**login, scope="openid email profile")
        without = http.login(**login, scope="openid")

    assert claims_of(with_scope)["email"].endswith("@example.com")
    assert claims_of(with_scope, "id_token")["nickname"] == "Al"
    assert "email" not in claims_of(without)
    assert "nickname" not in claims_of(without, "id_token")
    assert len(http.log[-1]["warnings"]) == 2
    assert "warnings" not in http.log[-2]


def test_protocol_says_password_realm_or_refresh_g04(stage: Stage, world: wiring.World, login: dict[str, str]) -> None:
    def tell(_: Any, context: Any) -> None:
        context.access_token["https://example.com/protocol"] = context.protocol

    with ruled(stage, world, tell) as http:
        first = http.login(**login, scope="offline_access")
        realm = http.realm_login("employees", **login)
        refresh = {"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"], **BACKEND}
        told = [claims_of(answer)["https://example.com/protocol"] for answer in (first, realm, http.token(refresh))]

    assert told == ["oauth2-password", "oauth2-password", "oauth2-refresh-token"]


def test_redirect_is_interaction_required_and_issues_nothing_g05(
    stage: Stage, world: wiring.World, login: dict[str, str]
) -> None:
    def send_away(_: Any, context: Any) -> None:
        context.redirect = {"url": "https://example.com/terms"}

    with ruled(stage, world, send_away) as http, calls_of(stage) as calls:
        answer = http.login(**login)

    assert answer.status_code == 403
    assert answer.json() == {
        "error": "interaction_required",
        "error_description": "redirection is not available on /oauth/token endpoint",
    }
    assert "Sign" not in calls.made
    assert "send_away set context.redirect" in http.log[-1]["reason"]


def test_denial_is_access_denied_with_its_reason_and_stops_later_rules_g06(
    stage: Stage, world: wiring.World, login: dict[str, str]
) -> None:
    later: list[str] = []

    def deny(_: Any, context: Any) -> None:
        context.deny("Only from the office.")

    with ruled(stage, world, deny, lambda user, _: later.append(user.user_id)) as http, calls_of(stage) as calls:
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
    stage: Stage, world: wiring.World, login: dict[str, str], said: object, shown: str
) -> None:
    with ruled(stage, world, lambda _, context: context.deny(said)) as http:
        answer = http.login(**login)

    assert answer.json() == {"error": "access_denied", "error_description": shown}


def test_denied_logins_do_not_block_the_account(stage: Stage, world: wiring.World, login: dict[str, str]) -> None:
    with ruled(stage, world, lambda _, context: context.deny("no")) as http:
        statuses = {http.login(**login).status_code for _ in range(12)}

    assert statuses == {403}


def test_denied_refresh_does_not_use_the_token_up(stage: Stage, world: wiring.World, login: dict[str, str]) -> None:
    denies = [True]

    def deny(_: Any, context: Any) -> None:
        if denies and context.protocol == "oauth2-refresh-token":
            context.deny("not now")

    with ruled(stage, world, deny) as http:
        token = http.login(**login, scope="offline_access").json()["refresh_token"]
        refresh = {"grant_type": "refresh_token", "refresh_token": token, **BACKEND}
        refused = http.token(refresh)
        denies.clear()
        retried = http.token(refresh)

    assert (refused.status_code, retried.status_code) == (403, 200)


def test_raising_rule_is_server_error_with_name_and_traceback_and_no_secret_g07(
    stage: Stage, world: wiring.World, people: PeopleMaker, capfd: pytest.CaptureFixture[str]
) -> None:
    canary = "canary-g07-password"

    def broken(user: Any, context: Any) -> None:
        raise KeyError(f"no such thing in {sorted(vars(user))} {vars(context.request)}")

    user = people.make(password=canary)
    with ruled(stage, world, broken) as http, calls_of(stage) as calls:
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
    stage: Stage, world: wiring.World, login: dict[str, str], raised: BaseException
) -> None:
    def broken(*_: Any) -> None:
        raise raised

    with ruled(stage, world, broken) as http:
        answer = http.login(**login)

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert http.log[-1]["reason"].endswith(f"raised {type(raised).__name__}")


@pytest.mark.untraced
def test_rule_that_sleeps_past_the_budget_is_left_behind_g08(
    stage: Stage, world: wiring.World, login: dict[str, str]
) -> None:
    wakes = threading.Event()

    def sleepy(*_: Any) -> None:
        wakes.wait(30)

    with ruled(stage, world, sleepy, budget_s=0.1) as http:
        started = time.monotonic()
        answer = http.login(**login)
        took_s = time.monotonic() - started
    wakes.set()

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert took_s < 20
    assert "sleepy ran past the 0.1 s" in http.log[-1]["reason"]


def test_rule_that_loops_past_the_budget_is_interrupted_g08(
    stage: Stage, world: wiring.World, login: dict[str, str]
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

    with ruled(stage, world, endless, budget_s=0.1) as http:
        answer = http.login(**login)

    assert answer.status_code == 500
    assert ended.wait(10), "the rule is stopped, and takes no more of the processor"


def test_rules_share_one_budget_g08(stage: Stage, world: wiring.World, login: dict[str, str]) -> None:
    never = threading.Event()

    def slow(*_: Any) -> None:
        never.wait(0.3)

    def slower(*_: Any) -> None:
        never.wait(0.4)

    with ruled(stage, world, slow, slower, budget_s=0.5) as http:
        answer = http.login(**login)

    assert answer.status_code == 500
    assert "slower ran past the 0.5 s" in http.log[-1]["reason"]


@pytest.mark.parametrize("scope", ["read:timesheets", "openid"])
def test_claims_over_the_cap_are_refused_and_nothing_is_noted_g09(
    stage: Stage, world: wiring.World, people: PeopleMaker, scope: str
) -> None:
    def big(_: Any, context: Any) -> None:
        token = context.id_token if scope == "openid" else context.access_token
        token["https://example.com/big"] = "x" * 4096

    user = people.make()
    with ruled(stage, world, big) as http, calls_of(stage) as calls:
        answer = http.login(username=user.username, scope=scope)

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert not {"Sign", "TransactWriteItems"} & set(calls.made)
    assert people.of("employees").find(user.user_id).logins_count == 0
    assert "bytes to sign" in http.log[-1]["reason"]


def test_token_of_exactly_the_cap_is_signed_g09(stage: Stage, world: wiring.World, login: dict[str, str]) -> None:
    sizes = iter(range(2000, 4096))

    def grow(_: Any, context: Any) -> None:
        context.access_token["x"] = "x" * size[0]

    size = [next(sizes)]
    with ruled(stage, world, grow) as http:
        length = len(http.login(**login).json()["access_token"].rpartition(".")[0])
        # Three bytes of claims are four of base64.
        size[0] += (4096 - length) * 3 // 4
        fits = http.login(**login)
        size[0] += 2
        over = http.login(**login)

    assert 4094 <= len(fits.json()["access_token"].rpartition(".")[0]) <= 4096
    assert over.status_code == 500


def test_rules_run_in_the_order_of_the_list_and_see_what_earlier_ones_did_g10(
    stage: Stage, world: wiring.World, login: dict[str, str]
) -> None:
    def first(user: Any, context: Any) -> None:
        user.nickname, user.seen = "set by the first", ["first"]
        context.access_token["n"] = 1

    def second(user: Any, context: Any) -> None:
        context.access_token["n"] += 1
        context.access_token["seen"] = [*user.seen, user.nickname]

    with ruled(stage, world, first, second) as http:
        answer = http.login(**login, scope="openid profile")

    assert claims_of(answer)["n"] == 2
    assert claims_of(answer)["seen"] == ["first", "set by the first"]
    assert "nickname" not in claims_of(answer, "id_token"), "what a rule changes in user reaches rules alone"


def everything(thing: object, seen: set[int]) -> str:
    """Return the text of all that can be reached from something by attributes, members and items."""
    if id(thing) in seen or len(seen) > 5000:
        return ""
    seen.add(id(thing))
    parts: list[object] = []
    if isinstance(thing, dict):
        parts += [*thing.keys(), *thing.values()]
    elif isinstance(thing, list | tuple | set | frozenset):
        parts += thing
    parts += getattr(thing, "__dict__", {}).values() if isinstance(thing, SimpleNamespace) else []
    parts += [getattr(thing, name, None) for name in ("scope", "__self__", "__func__", "__globals__", "__closure__")]
    return f"{thing!r}" + "".join(everything(part, seen) for part in parts)


def test_no_secret_is_in_reach_of_a_rule_g11(stage: Stage, world: wiring.World, people: PeopleMaker) -> None:
    canary = "canary-g11-password"
    seen: list[str] = []

    def look(user: Any, context: Any) -> None:
        seen.append(everything([user, context], set()))

    user = people.make(password=canary)
    extras = {"Password": canary, "again": canary, "otp": "123456-canary", "device": "phone", "Client_Secret": "s"}
    with ruled(stage, world, look) as http:
        form = http.login(username=user.username, password=canary, **extras, scope="offline_access")
        body = {"grant_type": "password", "username": user.username, "password": canary, "tags": ["a"], **BACKEND}
        assert http.post("/oauth/token", json=body).status_code == 200
        refresh_token = form.json()["refresh_token"]
        http.token({"grant_type": "refresh_token", "refresh_token": refresh_token, **BACKEND})

    assert len(seen) == 3
    for secret in (canary, "123456-canary", BACKEND["client_secret"], user.password_hash, refresh_token):
        assert not [text for text in seen if secret in text]
    assert "'device': 'phone'" in seen[0], "what is no secret is in the body"
    assert "'tags': ['a']" in seen[1]


def test_rules_do_not_run_when_the_password_is_wrong_or_the_user_blocked_g12(
    stage: Stage, world: wiring.World, people: PeopleMaker
) -> None:
    ran: list[str] = []
    user, blocked = people.make(), people.make(blocked=True)
    with ruled(stage, world, lambda user, _: ran.append(user.user_id)) as http:
        wrong = http.login(username=user.username, password="wrong")
        nobody = http.login(username="nobody-at-all")
        refused = http.login(username=blocked.username)

    assert (wrong.status_code, nobody.status_code, refused.status_code) == (400, 400, 403)
    assert ran == []


def test_rules_do_not_run_for_a_client_on_its_own_behalf(stage: Stage, world: wiring.World) -> None:
    ran: list[str] = []
    with ruled(stage, world, lambda user, _: ran.append(user.user_id)) as http:
        m2m = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret", "audience": TIMESHEETS}
        assert http.token({"grant_type": "client_credentials", **m2m}).status_code == 200

    assert ran == []


MARK = "mark-of-another-request"


def reachable(thing: object, seen: dict[int, object]) -> list[object]:
    """Return all that a rule gets at from something: attributes, members, items, types, what methods are bound to."""
    if id(thing) in seen or isinstance(thing, str | int | bool | None):
        return list(seen.values())
    seen[id(thing)] = thing
    inner = list(thing.values()) if isinstance(thing, dict) else list(thing) if isinstance(thing, list) else []
    inner += list(vars(thing).values()) if isinstance(thing, SimpleNamespace) else []
    for part in [*inner, getattr(thing, "scope", None), getattr(thing, "__self__", None), type(thing)]:
        reachable(part, seen)
    return list(seen.values())


def write_on(thing: Any) -> int:
    """Try to leave a mark on something, in every way that there is; return in how many ways that worked."""
    ways: list[Callable[[], object]] = [
        lambda: setattr(thing, "leaked", MARK),
        lambda: setattr(type(thing), "leaked", MARK),
        lambda: type.__setattr__(type(thing), "__doc__", MARK),
        lambda: thing.update({MARK: MARK}),
        lambda: thing.append(MARK),
        lambda: thing.extend([{MARK: MARK}]),
    ]
    worked = 0
    for way in ways:
        with suppress(Exception):
            way()
            worked += 1
    return worked


def test_nothing_of_one_request_is_in_the_next_g13(stage: Stage, world: wiring.World, people: PeopleMaker) -> None:
    """The rule writes on everything that it can reach, and looks everywhere for what it wrote the last time."""
    found: list[list[object]] = []
    written = []

    def hostile(user: Any, context: Any) -> None:
        things = reachable([user, context], {})
        found.append([thing for thing in things if MARK in f"{thing!r} {getattr(thing, 'leaked', '')} {thing.__doc__}"])
        written.append(sum(write_on(thing) for thing in things))

    client_id = make_client(stage, secret="s", client_metadata={"plan": "gold"})
    everybody = [people.make(app_metadata={"roles": [role]}) for role in "abc"]
    extras = {"device": "phone", "client_id": client_id, "client_secret": "s"}
    with ruled(stage, world, hostile) as http:
        for one in everybody:
            http.login(username=one.username, **extras)

    assert found == [[], [], []]
    assert min(written) > 30, "the rule did change what it could"


def test_rules_of_one_login_do_not_touch_what_others_are_made_from(
    stage: Stage, world: wiring.World, people: PeopleMaker
) -> None:
    marking = [True]

    def hostile(user: Any, context: Any) -> None:
        if marking:
            for thing in reachable([user, context], {}):
                write_on(thing)

    client_id = make_client(stage, secret="s", client_metadata={"plan": "gold"})
    user = people.make()
    right = {"username": user.username, "client_id": client_id, "client_secret": "s", "scope": "openid profile"}
    with ruled(stage, world, hostile) as http:
        before = MARK in json.dumps(http.login(**right).json())
        marking.clear()
        clean = http.login(**right)

    assert before is False
    assert clean.status_code == 200
    assert MARK not in json.dumps([claims_of(clean), claims_of(clean, "id_token"), clean.json()])


def test_metadata_is_kept_once_also_where_a_later_rule_denies(
    stage: Stage, world: wiring.World, people: PeopleMaker
) -> None:
    def count(user: Any, _: Any) -> None:
        user.app_metadata["seen"] = user.app_metadata.get("seen", 0) + 1
        user.user_metadata["theme"] = "dark"
        user.name = "not kept"

    user = people.make(app_metadata={"roles": ["a"]}, name="Ada")
    denial: list[str] = []
    with ruled(stage, world, count, lambda _, context: [context.deny(why) for why in denial]) as http:
        with calls_of(stage) as calls:
            assert http.login(username=user.username).status_code == 200
        denial.append("no")
        assert http.login(username=user.username).status_code == 403

    kept = people.of("employees").find(user.user_id)
    assert calls.made.count("UpdateItem") == 2, "the attempt, and the metadata"
    assert kept.app_metadata == {"roles": ["a"], "seen": 2}
    assert kept.user_metadata == {"theme": "dark"}
    assert kept.name == "Ada"


def test_metadata_of_a_raising_rule_is_not_kept(stage: Stage, world: wiring.World, people: PeopleMaker) -> None:
    def broken(user: Any, _: Any) -> None:
        user.app_metadata["half"] = "done"
        raise ValueError

    user = people.make()
    with ruled(stage, world, broken) as http:
        assert http.login(username=user.username).status_code == 500

    assert people.of("employees").find(user.user_id).app_metadata == {}


def test_metadata_changed_by_somebody_else_meanwhile_is_merged(
    stage: Stage, world: wiring.World, people: PeopleMaker
) -> None:
    user = people.make(app_metadata={"roles": ["a"], "old": 1})
    store = people.of("employees").store

    def change(shown: Any, _: Any) -> None:
        admin = store.read(user.user_id)
        assert admin
        store.keep_metadata(admin, {"app_metadata": {"roles": ["a", "b"], "old": 1}}, 1)
        shown.app_metadata["new"] = 2
        del shown.app_metadata["old"]

    with ruled(stage, world, change) as http:
        assert http.login(username=user.username).status_code == 200

    assert people.of("employees").find(user.user_id).app_metadata == {"roles": ["a", "b"], "new": 2}


def test_metadata_that_cannot_be_kept_fails_closed(stage: Stage, world: wiring.World, people: PeopleMaker) -> None:
    def change(user: Any, _: Any) -> None:
        user.app_metadata["n"] = 1

    user = people.make()
    with ruled(stage, world, change) as http:
        with failing(stage, "UpdateItem", aws_error("InternalServerError"), range(1, 2)), calls_of(stage) as calls:
            refused = http.login(username=user.username)
        retried = http.login(username=user.username)

    assert (refused.status_code, retried.status_code) == (503, 200)
    assert "Sign" not in calls.made


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
    stage: Stage, world: wiring.World, people: PeopleMaker, spoil: Rule
) -> None:
    user = people.make()
    with ruled(stage, world, spoil) as http, calls_of(stage) as calls:
        answer = http.login(username=user.username)

    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert "rule" in http.log[-1]["reason"], "the log says that it was the rules"
    assert "Sign" not in calls.made
    assert people.of("employees").find(user.user_id).app_metadata == {}


def test_what_a_rule_keeps_of_a_claim_changes_no_token(stage: Stage, world: wiring.World, people: PeopleMaker) -> None:
    kept: list[Any] = []

    def keep(user: Any, context: Any) -> None:
        for old in kept:
            old["who"] = "somebody else"
        kept.append({"who": user.user_id})
        context.access_token["https://example.com/me"] = kept[-1]

    one, other = people.make(), people.make()
    with ruled(stage, world, keep) as http:
        tokens = [claims_of(http.login(username=user.username)) for user in (one, other)]

    assert [token["https://example.com/me"]["who"] for token in tokens] == [one.user_id, other.user_id]


def test_login_without_rules_makes_the_calls_that_it_made_before(
    stage: Stage, world: wiring.World, login: dict[str, str]
) -> None:
    with ruled(stage, world) as http:
        http.login(**login)
        with calls_of(stage) as calls:
            http.login(**login)

    assert sorted(calls.made) == ["BatchGetItem", "BatchGetItem", "Sign", "TransactWriteItems", "UpdateItem"]


def test_login_with_rules_makes_no_call_more(stage: Stage, world: wiring.World, login: dict[str, str]) -> None:
    with ruled(stage, world, *[lambda *_: None for _ in range(10)]) as http:
        http.login(**login)
        with calls_of(stage) as calls:
            http.login(**login)

    assert sorted(calls.made) == ["BatchGetItem", "BatchGetItem", "Sign", "TransactWriteItems", "UpdateItem"]
