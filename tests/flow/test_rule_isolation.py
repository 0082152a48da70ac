"""Rules cannot reach secrets and other logins, through HTTP: docs/use/rules.md."""

import json
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from chalicelib import wiring
from infra.stage.aws import Stage
from tests.support.clients import make_client
from tests.support.http import BACKEND
from tests.support.people import PeopleMaker
from tests.support.rules import client_with_rules
from tests.support.tokens import claims_of


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


def test_no_secret_is_in_reach_of_a_rule(stage: Stage, externals: wiring.Externals, people: PeopleMaker) -> None:
    canary = "canary-g11-password"
    seen: list[str] = []

    def look(user: Any, context: Any) -> None:
        seen.append(everything([user, context], set()))

    user = people.make(password=canary)
    extras = {"Password": canary, "again": canary, "otp": "123456-canary", "device": "phone", "Client_Secret": "s"}
    with client_with_rules(stage, externals, look) as http:
        form = http.login(username=user.username, password=canary, **extras, scope="offline_access")
        body = {"grant_type": "password", "username": user.username, "password": canary, "tags": ["a"], **BACKEND}
        assert http.post("/oauth/token", json=body).status_code == 200
        refresh_token = form.json()["refresh_token"]
        http.refresh(refresh_token)

    assert len(seen) == 3
    for secret in (canary, "123456-canary", BACKEND["client_secret"], user.password_hash, refresh_token):
        assert not [text for text in seen if secret in text]
    assert "'device': 'phone'" in seen[0], "what is no secret is in the body"
    assert "'tags': ['a']" in seen[1]


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


def test_nothing_of_one_request_is_in_the_next(stage: Stage, externals: wiring.Externals, people: PeopleMaker) -> None:
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
    with client_with_rules(stage, externals, hostile) as http:
        for one in everybody:
            http.login(username=one.username, **extras)

    assert found == [[], [], []]
    assert min(written) > 30, "the rule did change what it could"


def test_rules_of_one_login_do_not_touch_what_others_are_made_from(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    marking = [True]

    def hostile(user: Any, context: Any) -> None:
        if marking:
            for thing in reachable([user, context], {}):
                write_on(thing)

    client_id = make_client(stage, secret="s", client_metadata={"plan": "gold"})
    user = people.make()
    right = {"username": user.username, "client_id": client_id, "client_secret": "s", "scope": "openid profile"}
    with client_with_rules(stage, externals, hostile) as http:
        before = MARK in json.dumps(http.login(**right).json())
        marking.clear()
        clean = http.login(**right)

    assert before is False
    assert clean.status_code == 200
    assert MARK not in json.dumps([claims_of(clean), claims_of(clean, "id_token"), clean.json()])


def test_what_a_rule_keeps_of_a_claim_changes_no_token(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    kept: list[Any] = []

    def keep(user: Any, context: Any) -> None:
        for old in kept:
            old["who"] = "somebody else"
        kept.append({"who": user.user_id})
        context.access_token["https://example.com/me"] = kept[-1]

    one, other = people.make(), people.make()
    with client_with_rules(stage, externals, keep) as http:
        tokens = [claims_of(http.login(username=user.username)) for user in (one, other)]

    assert [token["https://example.com/me"]["who"] for token in tokens] == [one.user_id, other.user_id]
