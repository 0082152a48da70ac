"""Refresh tokens (RFC 6749 6, RFC 9700 4.14), through HTTP."""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import reduce
from operator import and_, or_
from typing import Any

import httpx
import jwt
import pytest

from chalicelib.model.account import Account
from chalicelib.model.user import User
from chalicelib.store.people.items import family_counter
from chalicelib.tokens.refresh_format import VERSION, VERSION_BEFORE, decode, encode
from infra.stage.aws import Stage
from tests.support.calls import rounds_of
from tests.support.clients import make_api, make_client
from tests.support.config import document_of
from tests.support.faults import aws_error, before, failing, left_out, sent_twice
from tests.support.fixed import Clock
from tests.support.http import REPORTS, TIMESHEETS, Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.threads import at_once
from tests.support.tokens import body_of, claims_in

OFFLINE = "offline_access read:timesheets create:timesheets"
UNKNOWN = {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}
MONTH_S = 2_592_000
ROTATING = {
    "rotation_type": "rotating",
    "leeway": None,
    "token_lifetime": MONTH_S,
    "infinite_token_lifetime": False,
    "idle_token_lifetime": 1_296_000,
    "infinite_idle_token_lifetime": False,
}
SECRET = "a secret of the tests"


def policy(**changes: Any) -> dict[str, Any]:
    return ROTATING | changes


@pytest.fixture
def client_id(stage: Stage) -> str:
    """A rotating client with the default leeway."""
    return make_client(stage, secret=SECRET, refresh_token=policy())


def login(http: Http, client_id: str, **params: str | None) -> dict[str, Any]:
    return body_of(http.login(**{"client_id": client_id, "client_secret": SECRET, "scope": OFFLINE} | params))


def refresh(http: Http, client_id: str, token: str, **params: str | None) -> httpx.Response:
    given = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client_id, "client_secret": SECRET}
    return http.token(given | params)


def moved(token: str, **changes: str) -> str:
    """Return a token of the version before, whose checksum had no key, that leads to another family."""
    found = decode(token)
    assert found is not None
    return encode(replace(found, key=replace(found.key, **changes), version=VERSION_BEFORE))


def test_offline_access_yields_a_token_where_all_allow_it(http: Http, client_id: str) -> None:
    body = login(http, client_id)

    assert body["scope"] == OFFLINE
    assert len(body["refresh_token"]) > 80


@pytest.mark.parametrize("audience", [REPORTS, None], ids=["api-forbids", "no-api"])
def test_offline_access_is_dropped_where_the_api_forbids_it(http: Http, client_id: str, audience: str | None) -> None:
    body = login(http, client_id, audience=audience)

    assert "refresh_token" not in body
    assert "offline_access" not in body["scope"]


def test_offline_access_is_dropped_where_the_client_lacks_the_grant(http: Http, stage: Stage) -> None:
    client_id = make_client(stage, secret=SECRET, grant_types=["password"])

    assert "refresh_token" not in login(http, client_id)


def test_no_token_without_offline_access(http: Http, client_id: str) -> None:
    assert "refresh_token" not in login(http, client_id, scope=None)


def test_refresh_answers_a_new_access_token_of_the_same_person(http: Http, client_id: str, clock: Clock) -> None:
    first = login(http, client_id)
    clock.advance(100)
    response = refresh(http, client_id, first["refresh_token"])

    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    before_it, after_it = claims_in(first["access_token"]), claims_in(response.json()["access_token"])
    assert after_it["sub"] == before_it["sub"]
    assert after_it["iat"] == int(clock())
    assert after_it["jti"] != before_it["jti"]
    assert (after_it["auth_time"], after_it["amr"]) == (before_it["auth_time"], ["pwd"])
    assert after_it["gty"] == ["refresh_token", "password"]
    assert response.json()["refresh_token"] != first["refresh_token"]
    assert [line["event"] for line in http.log] == ["sepft", "sertft"]


def test_missing_token_is_told(http: Http, client_id: str) -> None:
    response = http.token({"grant_type": "refresh_token", "client_id": client_id, "client_secret": SECRET})

    assert response.json()["error_description"] == "Missing required parameter: refresh_token"


@pytest.mark.parametrize("token", ["garbage", "x" * 5000, "W10", "a.b.c", "\u00e9", "AAAA" * 30])
def test_garbage_is_an_invalid_grant(http: Http, client_id: str, token: str) -> None:
    response = refresh(http, client_id, token)

    assert (response.status_code, response.json()) == (400, UNKNOWN)


def test_token_of_another_client_is_refused_and_lives_on(http: Http, client_id: str, stage: Stage) -> None:
    other = make_client(stage, secret=SECRET, refresh_token=policy())
    token = login(http, client_id)["refresh_token"]

    assert refresh(http, other, token).json() == UNKNOWN
    assert refresh(http, client_id, token).status_code == 200


def test_client_must_prove_itself(http: Http, client_id: str) -> None:
    token = login(http, client_id)["refresh_token"]

    assert refresh(http, client_id, token, client_secret="wrong").status_code == 401
    assert refresh(http, client_id, token, client_secret=None).status_code == 401


def test_scopes_narrow_for_one_call_alone(http: Http, client_id: str) -> None:
    token = login(http, client_id)["refresh_token"]
    whole = refresh(http, client_id, token).json()
    narrow = refresh(http, client_id, whole["refresh_token"], scope="read:timesheets").json()
    again = refresh(http, client_id, narrow["refresh_token"]).json()

    assert [answer["scope"] for answer in (whole, narrow, again)] == [OFFLINE, "read:timesheets", OFFLINE]
    assert claims_in(narrow["access_token"])["scope"] == "read:timesheets"


@pytest.mark.parametrize("scope", ["delete:timesheets", "read:timesheets openid"])
def test_wider_scope_is_refused_and_uses_nothing_up(http: Http, client_id: str, scope: str) -> None:
    token = login(http, client_id)["refresh_token"]
    response = refresh(http, client_id, token, scope=scope)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")
    assert refresh(http, client_id, token).status_code == 200


def test_other_audience_is_refused_and_the_same_one_taken(http: Http, client_id: str) -> None:
    token = login(http, client_id)["refresh_token"]

    assert refresh(http, client_id, token, audience=REPORTS).json()["error"] == "invalid_target"
    assert refresh(http, client_id, token, audience=TIMESHEETS).status_code == 200


def test_idle_token_is_over_though_its_item_is_there(http: Http, client_id: str, clock: Clock) -> None:
    token = login(http, client_id)["refresh_token"]
    clock.advance(1_296_000)

    assert refresh(http, client_id, token).json() == UNKNOWN


def test_use_renews_the_idle_end_and_never_the_absolute_one(http: Http, client_id: str, clock: Clock) -> None:
    token = login(http, client_id)["refresh_token"]
    for _ in range(2):
        clock.advance(1_295_999)
        token = refresh(http, client_id, token).json()["refresh_token"]
    clock.advance(1)
    token = refresh(http, client_id, token).json()["refresh_token"]
    clock.advance(1)

    assert refresh(http, client_id, token).json() == UNKNOWN


def test_lifetimes_may_be_infinite(http: Http, stage: Stage, clock: Clock) -> None:
    endless = policy(infinite_token_lifetime=True, infinite_idle_token_lifetime=True)
    client_id = make_client(stage, secret=SECRET, refresh_token=endless)
    token = login(http, client_id)["refresh_token"]
    clock.advance(20 * 365 * 86_400)

    assert refresh(http, client_id, token).status_code == 200


def test_endless_token_gets_an_end_with_its_first_use_after_the_client_has_one(
    http: Http, stage: Stage, clock: Clock
) -> None:
    endless = policy(infinite_token_lifetime=True, infinite_idle_token_lifetime=True)
    client_id = make_client(stage, secret=SECRET, refresh_token=endless)
    token = login(http, client_id)["refresh_token"]
    document = document_of(stage, f"client#{client_id}")
    ending = policy(token_lifetime=1000, infinite_idle_token_lifetime=True)
    stage.config().put(f"client#{client_id}", document | {"refresh_token": ending})
    clock.advance(100_000)
    token = refresh(http, client_id, token).json()["refresh_token"]
    clock.advance(1000)

    assert refresh(http, client_id, token).json() == UNKNOWN


def test_predecessor_gets_the_same_successor_within_the_leeway(http: Http, client_id: str, clock: Clock) -> None:
    token = login(http, client_id)["refresh_token"]
    first = refresh(http, client_id, token).json()
    clock.advance(9)
    again = refresh(http, client_id, token).json()

    assert again["refresh_token"] == first["refresh_token"]
    assert again["access_token"] != first["access_token"]
    assert refresh(http, client_id, first["refresh_token"]).status_code == 200


def test_predecessor_after_the_leeway_ends_the_family(http: Http, client_id: str, clock: Clock) -> None:
    token = login(http, client_id)["refresh_token"]
    successor = refresh(http, client_id, token).json()["refresh_token"]
    clock.advance(10)

    assert refresh(http, client_id, token).json() == UNKNOWN
    assert http.log[-1]["event"] == "ferrt"
    assert refresh(http, client_id, successor).json() == UNKNOWN


def test_grandparent_ends_the_family_even_within_the_leeway(http: Http, client_id: str) -> None:
    token = login(http, client_id)["refresh_token"]
    child = refresh(http, client_id, token).json()["refresh_token"]
    grandchild = refresh(http, client_id, child).json()["refresh_token"]

    assert refresh(http, client_id, token).json() == UNKNOWN
    assert refresh(http, client_id, grandchild).json() == UNKNOWN


def test_leeway_of_nothing_ends_the_family_at_once(http: Http, stage: Stage) -> None:
    client_id = make_client(stage, secret=SECRET, refresh_token=policy(leeway=0))
    token = login(http, client_id)["refresh_token"]
    successor = refresh(http, client_id, token).json()["refresh_token"]

    assert refresh(http, client_id, token).json() == UNKNOWN
    assert refresh(http, client_id, successor).json() == UNKNOWN


def test_damaged_token_ends_nothing(http: Http, client_id: str) -> None:
    token = login(http, client_id)["refresh_token"]
    for position in range(0, len(token), 7):
        damaged = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
        assert refresh(http, client_id, damaged).json() == UNKNOWN
    assert refresh(http, client_id, token + "A").json() == UNKNOWN

    assert refresh(http, client_id, token).status_code == 200


def test_non_rotating_token_stays_and_is_not_answered_again(http: Http, stage: Stage, clock: Clock) -> None:
    client_id = make_client(stage, secret=SECRET, refresh_token=policy(rotation_type="non-rotating"))
    token = login(http, client_id)["refresh_token"]
    for _ in range(2):
        clock.advance(1_000_000)
        response = refresh(http, client_id, token)
        assert response.status_code == 200
        assert "refresh_token" not in response.json()
    clock.advance(592_000)

    assert refresh(http, client_id, token).json() == UNKNOWN


def test_parallel_refreshes_get_one_successor(http: Http, client_id: str) -> None:
    token = login(http, client_id)["refresh_token"]
    answers = at_once(20, lambda _: refresh(http, client_id, token))

    assert Counter(answer.status_code for answer in answers) == {200: 20}, http.log
    (successor,) = {answer.json()["refresh_token"] for answer in answers}
    assert refresh(http, client_id, successor).status_code == 200


def test_parallel_refreshes_without_leeway_make_no_second_branch(http: Http, stage: Stage) -> None:
    client_id = make_client(stage, secret=SECRET, refresh_token=policy(leeway=0))
    token = login(http, client_id)["refresh_token"]
    answers = at_once(20, lambda _: refresh(http, client_id, token))

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses == {200: 1, 400: 19}
    assert all(answer.json() == UNKNOWN for answer in answers if answer.status_code == 400)


@pytest.mark.parametrize("failure", [aws_error("InternalServerError"), RuntimeError("crash")], ids=["aws", "crash"])
@pytest.mark.parametrize("operation", ["BatchGetItem", "PutItem", "Sign"])
@pytest.mark.parametrize("leeway", [0, None])
def test_failing_refresh_uses_nothing_up(
    http: Http, stage: Stage, operation: str, failure: Exception, leeway: int | None
) -> None:
    client_id = make_client(stage, secret=SECRET, refresh_token=policy(leeway=leeway))
    token = login(http, client_id)["refresh_token"]
    with failing(stage, operation, failure):
        assert refresh(http, client_id, token).status_code in (500, 503)

    assert refresh(http, client_id, token).status_code == 200


@pytest.mark.parametrize("leeway", [0, None])
def test_retry_long_after_a_failing_signature_succeeds(
    http: Http, stage: Stage, clock: Clock, leeway: int | None
) -> None:
    client_id = make_client(stage, secret=SECRET, refresh_token=policy(leeway=leeway))
    token = login(http, client_id)["refresh_token"]
    for _ in range(3):
        with failing(stage, "Sign", aws_error("KMSInternalException")):
            assert refresh(http, client_id, token).status_code == 503
        clock.advance(3600)
    successor = refresh(http, client_id, token).json()["refresh_token"]

    assert refresh(http, client_id, successor).status_code == 200


def test_blocked_user_is_refused_at_once_and_the_family_ends(http: Http, client_id: str, people: PeopleMaker) -> None:
    user = people.make()
    token = login(http, client_id, username=user.username)["refresh_token"]
    people.of("employees").set_blocked(user, True)
    response = refresh(http, client_id, token)

    assert (response.status_code, response.json()["error"]) == (403, "unauthorized")
    assert response.json()["error_description"] == "user is blocked"
    people.of("employees").set_blocked(user, False)
    assert refresh(http, client_id, token).json() == UNKNOWN


def test_deleted_user_is_refused_at_once(http: Http, client_id: str, people: PeopleMaker) -> None:
    user = people.make()
    token = login(http, client_id, username=user.username)["refresh_token"]
    people.of("employees").delete(user)

    assert refresh(http, client_id, token).json() == UNKNOWN


def test_new_password_ends_all_families(http: Http, client_id: str, people: PeopleMaker) -> None:
    user = people.make()
    tokens = [login(http, client_id, username=user.username)["refresh_token"] for _ in range(2)]
    people.of("employees").set_password(user, "another password")

    assert [refresh(http, client_id, token).json() for token in tokens] == [UNKNOWN] * 2
    again = login(http, client_id, username=user.username, password="another password")
    assert refresh(http, client_id, again["refresh_token"]).status_code == 200


def test_new_password_ends_nothing_where_the_tenant_says_so(
    http: Http, client_id: str, people: PeopleMaker, stage: Stage
) -> None:
    user = people.make()
    token = login(http, client_id, username=user.username)["refresh_token"]
    config = stage.config()
    tenant = document_of(stage, "tenant")
    config.put("tenant", tenant | {"revoke_refresh_tokens_on_password_change": False})
    try:
        people.of("employees").set_password(user, "another password")
    finally:
        config.put("tenant", tenant)

    assert refresh(http, client_id, token).status_code == 200


def test_scope_that_the_api_lost_is_not_granted(http: Http, client_id: str, stage: Stage, clock: Clock) -> None:
    audience = make_api(stage)
    token = login(http, client_id, audience=audience)["refresh_token"]
    config = stage.config()
    document = document_of(stage, f"api#{audience}")
    config.put(f"api#{audience}", document | {"scopes": [{"value": "read:timesheets"}]})
    clock.advance(60)

    assert refresh(http, client_id, token).json()["scope"] == "offline_access read:timesheets"


def test_token_for_an_api_that_is_gone_is_refused(http: Http, client_id: str, stage: Stage, clock: Clock) -> None:
    audience = make_api(stage)
    token = login(http, client_id, audience=audience)["refresh_token"]
    stage.config().delete(f"api#{audience}")
    clock.advance(60)

    assert refresh(http, client_id, token).json() == UNKNOWN


def test_client_that_lost_the_realm_is_refused(http: Http, client_id: str, stage: Stage, clock: Clock) -> None:
    token = login(http, client_id)["refresh_token"]
    config = stage.config()
    document = document_of(stage, f"client#{client_id}")
    config.put(f"client#{client_id}", document | {"realms": ["customers"]})
    clock.advance(60)

    assert refresh(http, client_id, token).json() == UNKNOWN


def test_client_that_lost_the_grant_is_unauthorized(http: Http, client_id: str, stage: Stage, clock: Clock) -> None:
    token = login(http, client_id)["refresh_token"]
    config = stage.config()
    document = document_of(stage, f"client#{client_id}")
    config.put(f"client#{client_id}", document | {"grant_types": ["password"]})
    clock.advance(60)

    assert refresh(http, client_id, token).json()["error"] == "unauthorized_client"


def test_brute_force_block_stops_no_refresh(http: Http, client_id: str, people: PeopleMaker) -> None:
    user = people.make()
    token = login(http, client_id, username=user.username)["refresh_token"]
    for _ in range(11):
        http.login(username=user.username, password="wrong")

    assert http.login(username=user.username).status_code == 429
    assert refresh(http, client_id, token).status_code == 200


def test_family_of_another_device_lives_on(http: Http, client_id: str, clock: Clock) -> None:
    lost, kept = login(http, client_id)["refresh_token"], login(http, client_id)["refresh_token"]
    refresh(http, client_id, lost)
    clock.advance(10)

    assert refresh(http, client_id, lost).json() == UNKNOWN
    assert refresh(http, client_id, kept).status_code == 200


def test_secret_of_a_token_has_256_random_bits(http: Http, client_id: str) -> None:
    tokens = [login(http, client_id)["refresh_token"] for _ in range(40)]
    found = [int.from_bytes(jwt.utils.base64url_decode(token.removeprefix(VERSION))[:32]) for token in tokens]

    ever_set, never_clear = reduce(or_, found), reduce(and_, found)
    assert (ever_set, never_clear) == (2**256 - 1, 0)


def test_only_hashes_are_stored(http: Http, client_id: str, stage: Stage) -> None:
    first = login(http, client_id)["refresh_token"]
    second = refresh(http, client_id, first).json()["refresh_token"]

    table = stage.clients.dynamodb.scan(TableName=f"{stage.prefix}sessions")["Items"]
    stored = str(table)
    for token in (first, second):
        secret = jwt.utils.base64url_decode(token.removeprefix(VERSION))[:32]
        assert token not in stored
        assert secret.hex() not in stored
        assert token[:40] not in stored


def stay_logged_in(people: PeopleMaker, user: User, clock: Clock, count: int) -> None:
    """Have the store begin so many families more, a second apart, as the person's last login began its own."""
    realm = people.of("employees")
    record = realm.find(user.user_id)
    ((counter, begun),) = record.family_counts.items()
    *_, last = realm.families.of_user(Account("employees", user.user_id))
    for _ in range(count):
        clock.advance(1)
        now = int(clock())
        key = replace(last.key, family_id=f"{1000 * now:012x}{last.key.family_id[12:]}")
        family = replace(last, key=key, auth_time=now, created_at=now, last_used_at=now)
        people.stage.clients.dynamodb.put_item(**realm.families.begin_write(family, 0)["Put"])
    realm.users.correct_count(record, counter, begun + count)


def test_two_hundredth_and_first_family_ends_the_oldest(
    http: Http, people: PeopleMaker, stage: Stage, clock: Clock
) -> None:
    client_id = make_client(stage, secret=SECRET, refresh_token=policy())
    user = people.make()
    tokens = []
    for begun_at_once in (0, 0, 197, 0, 0):
        clock.advance(1)
        tokens.append(login(http, client_id, username=user.username)["refresh_token"])
        stay_logged_in(people, user, clock, begun_at_once)

    assert [refresh(http, client_id, token).status_code for token in tokens[:3]] == [400, 400, 200]
    assert len(people.of("employees").live_families(people.of("employees").find(user.user_id))) == 200


def test_login_that_cannot_be_signed_leaves_no_family(
    http: Http, client_id: str, people: PeopleMaker, stage: Stage
) -> None:
    user = people.make()
    kept = login(http, client_id, username=user.username)["refresh_token"]
    with failing(stage, "Sign", aws_error("ThrottlingException")):
        answers = {http.login(username=user.username, scope=OFFLINE).status_code for _ in range(3)}

    assert answers == {503}
    assert len(people.of("employees").live_families(people.of("employees").find(user.user_id))) == 1
    assert refresh(http, client_id, kept).status_code == 200


def test_ended_families_make_room(http: Http, people: PeopleMaker, stage: Stage, clock: Clock) -> None:
    client_id = make_client(stage, secret=SECRET, refresh_token=policy(idle_token_lifetime=60))
    user = people.make()
    login(http, client_id, username=user.username)
    stay_logged_in(people, user, clock, 199)
    clock.advance(60)
    tokens = [login(http, client_id, username=user.username)["refresh_token"] for _ in range(3)]

    assert [refresh(http, client_id, token).status_code for token in tokens] == [200] * 3


def test_login_with_offline_access_makes_six_calls_in_three_rounds(http: Http, client_id: str, stage: Stage) -> None:
    login(http, client_id)
    with rounds_of(stage, most=3) as calls:
        login(http, client_id)

    assert calls.rounds == [{"BatchGetItem"}, {"GetItem", "UpdateItem"}, {"Sign", "UpdateItem", "PutItem"}]
    assert len(calls.made) == 6


@pytest.mark.parametrize("rotation_type", ["rotating", "non-rotating"])
def test_refresh_makes_three_calls_in_two_rounds(http: Http, stage: Stage, rotation_type: str) -> None:
    client_id = make_client(stage, secret=SECRET, refresh_token=policy(rotation_type=rotation_type))
    token = login(http, client_id)["refresh_token"]
    with rounds_of(stage) as calls:
        assert refresh(http, client_id, token).status_code == 200

    assert calls.rounds == [{"BatchGetItem"}, {"PutItem", "Sign"}]
    assert len(calls.made) == 3


def test_family_that_ends_during_the_refresh_gets_nothing(http: Http, client_id: str, stage: Stage) -> None:
    token = login(http, client_id)["refresh_token"]

    def end() -> None:
        for item in stage.clients.dynamodb.scan(TableName=f"{stage.prefix}sessions")["Items"]:
            if item.get("client_id", {}).get("S") == client_id:
                key = {"pk": item["pk"], "sk": item["sk"]}
                stage.clients.dynamodb.delete_item(TableName=f"{stage.prefix}sessions", Key=key)

    with before(stage, "PutItem", end):
        assert refresh(http, client_id, token).json() == UNKNOWN


def test_password_that_changes_during_the_login_issues_no_family(
    http: Http, client_id: str, people: PeopleMaker, stage: Stage
) -> None:
    user = people.make()

    def set_password() -> None:
        people.of("employees").set_password(user, "another password")

    with before(stage, "UpdateItem", set_password, range(1, 2)):
        response = http.login(
            client_id=client_id, client_secret=SECRET, scope=OFFLINE, username=user.username, password=PASSWORD
        )

    assert response.status_code == 400
    assert people.of("employees").live_families(people.of("employees").find(user.user_id)) == []


def test_refused_request_gives_the_predecessor_no_more_time(http: Http, client_id: str, clock: Clock) -> None:
    token = login(http, client_id)["refresh_token"]
    successor = refresh(http, client_id, token).json()["refresh_token"]
    assert refresh(http, client_id, token, scope="delete:timesheets").json()["error"] == "invalid_scope"
    clock.advance(10)

    assert refresh(http, client_id, token).json() == UNKNOWN
    assert refresh(http, client_id, successor).json() == UNKNOWN


def test_loser_of_a_race_without_leeway_gets_no_more_time(http: Http, stage: Stage, clock: Clock) -> None:
    client_id = make_client(stage, secret=SECRET, refresh_token=policy(leeway=0))
    token = login(http, client_id)["refresh_token"]
    winners: list[httpx.Response] = []
    with before(stage, "PutItem", lambda: winners.append(refresh(http, client_id, token))):
        assert refresh(http, client_id, token).json() == UNKNOWN

    assert refresh(http, client_id, winners[0].json()["refresh_token"]).status_code == 200
    assert refresh(http, client_id, token).json() == UNKNOWN


@pytest.mark.parametrize("leeway", [0, None])
def test_write_that_botocore_sends_twice_is_no_race(http: Http, stage: Stage, leeway: int | None) -> None:
    client_id = make_client(stage, secret=SECRET, refresh_token=policy(leeway=leeway))
    token = login(http, client_id)["refresh_token"]
    with sent_twice(stage, "PutItem"):
        response = refresh(http, client_id, token)

    assert response.status_code == 200
    assert refresh(http, client_id, response.json()["refresh_token"]).status_code == 200


def test_client_whose_id_holds_the_separator_is_another_client(http: Http, stage: Stage) -> None:
    config = stage.config()
    short = make_client(stage, secret=SECRET, refresh_token=policy())
    document = document_of(stage, f"client#{short}")
    config.put(f"client#{short}#b", document | {"client_id": f"{short}#b"})
    token = login(http, f"{short}#b")["refresh_token"]
    found = decode(token)
    assert found is not None

    assert refresh(http, short, moved(token, family_id=f"b#{found.key.family_id}")).json() == UNKNOWN
    assert refresh(http, short, moved(token)).json() == UNKNOWN


@pytest.mark.parametrize(
    "place",
    [
        [[], 1, 2],
        ["employees", "a", "b", "c"],
        ["employees", 7, "0" * 32],
        ["employees", "\ud800", "0" * 32],
        ["employees", "employees|1", "not hexadecimal"],
        {"realm": "employees"},
        None,
    ],
)
def test_crafted_place_is_an_invalid_grant(http: Http, client_id: str, place: Any) -> None:
    body = bytes(32) + json.dumps(place, separators=(",", ":")).encode()
    crafted = urlsafe_b64encode(body + hashlib.sha256(body).digest()[:4]).rstrip(b"=").decode()

    assert refresh(http, client_id, crafted).json() == UNKNOWN
    client = {"client_id": client_id, "client_secret": SECRET}
    assert http.post("/oauth/revoke", data=client | {"token": crafted}).status_code == 200
    assert http.post("/oauth/introspect", data=client | {"token": crafted}).json() == {"active": False}


def test_reuse_is_logged_with_whose_token_it_was(http: Http, client_id: str, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    token = login(http, client_id, username=user.username)["refresh_token"]
    refresh(http, client_id, token)
    clock.advance(10)
    refresh(http, client_id, token)

    line = http.log[-1]
    assert (line["event"], line["realm"], line["user"], line["client_id"]) == (
        "ferrt",
        "employees",
        user.user_id,
        client_id,
    )


def test_parallel_logins_at_the_cap_keep_the_counter_right(
    http: Http, client_id: str, people: PeopleMaker, stage: Stage
) -> None:
    user = people.make()
    counter = fill_counter(stage, user.user_id, client_id)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: login(http, client_id, username=user.username), range(8)))

    found = people.of("employees").find(user.user_id)
    assert len(people.of("employees").live_families(found)) == 8
    assert found.family_counts[counter] >= 8


def test_deleted_user_leaves_no_family_behind(http: Http, client_id: str, people: PeopleMaker, stage: Stage) -> None:
    user = people.make()
    login(http, client_id, username=user.username)
    people.of("employees").delete(user)

    sessions = stage.clients.dynamodb.scan(TableName=f"{stage.prefix}sessions")["Items"]
    assert not [item for item in sessions if item["pk"]["S"] == f"families#employees#{user.user_id}"]


def test_token_cannot_be_moved_to_a_namesake_of_another_realm(
    http: Http, client_id: str, people: PeopleMaker, stage: Stage
) -> None:
    user = people.make()
    people.of("customers").records.create(replace(user, username=""))
    token = login(http, client_id, username=user.username)["refresh_token"]
    people.of("employees").set_blocked(user, True)

    assert refresh(http, client_id, moved(token, realm="customers")).json() == UNKNOWN


def test_failing_answer_to_a_predecessor_gives_it_no_more_time(
    http: Http, client_id: str, stage: Stage, clock: Clock
) -> None:
    token = login(http, client_id)["refresh_token"]
    refresh(http, client_id, token)
    with failing(stage, "Sign", aws_error("ThrottlingException")):
        assert refresh(http, client_id, token).status_code == 503
    clock.advance(10)

    assert refresh(http, client_id, token).json() == UNKNOWN


def test_keys_that_a_batch_leaves_out_are_read_again(http: Http, client_id: str, stage: Stage) -> None:
    token = login(http, client_id)["refresh_token"]
    with left_out(stage, times=1):
        assert refresh(http, client_id, token).status_code == 200
    token = login(http, client_id)["refresh_token"]
    with left_out(stage, times=2):
        assert refresh(http, client_id, token).status_code == 503

    assert refresh(http, client_id, token).status_code == 200


def test_full_house_is_cleared_of_what_has_ended(http: Http, client_id: str, people: PeopleMaker, stage: Stage) -> None:
    user = people.make()
    for _ in range(3):
        login(http, client_id, username=user.username)
    people.of("employees").set_password(user, PASSWORD)
    fill_counter(stage, user.user_id, client_id)
    login(http, client_id, username=user.username)

    sessions = stage.clients.dynamodb.scan(TableName=f"{stage.prefix}sessions")["Items"]
    assert len([item for item in sessions if item["pk"]["S"] == f"families#employees#{user.user_id}"]) == 1


def fill_counter(stage: Stage, user_id: str, client_id: str) -> str:
    """Let a client's counter of a person's families be full, and return its name."""
    counter = family_counter(client_id)
    stage.clients.dynamodb.update_item(
        TableName=f"{stage.prefix}users-employees",
        Key={"pk": {"S": f"cred#{user_id}"}},
        UpdateExpression=f"SET {counter} = :full",
        ExpressionAttributeValues={":full": {"N": "200"}},
    )
    return counter
