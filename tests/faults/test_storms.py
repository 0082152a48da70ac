"""AWS failing for longer than one call, and clients that retry all at once."""

import itertools
import random
from collections import Counter

import httpx
import pytest

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.model.bucket import Bucket
from chalicelib.store.aws.http_reply import Reply
from chalicelib.store.code_attempts import Allowance, AllowanceStore
from tests.faults.case import OFFLINE
from tests.faults.kinds import condition_failed, throttled
from tests.faults.test_matrix import SHORT_PAUSE
from tests.faults.wire import Try, watching
from tests.faults.workbench import Bench
from tests.support.clients import make_client
from tests.support.fixed import Clock
from tests.support.http import BACKEND, TIMESHEETS
from tests.support.threads import at_once

SECRET = "a secret of the tests"


@pytest.fixture(autouse=True)
def process(bench: Bench) -> Bench:
    """A process that has read its configuration."""
    bench.start(is_cold=False)
    random.seed(SHORT_PAUSE)
    return bench


def statuses(responses: list[httpx.Response]) -> Counter[int]:
    return Counter(response.status_code for response in responses)


def test_every_tenth_try_throttled_is_healed_within_the_request(bench: Bench) -> None:
    user = bench.people.make()
    numbers = itertools.count(1)

    def act(one: Try) -> Reply | None:
        return throttled(one) if one.call.service == "dynamodb" and next(numbers) % 10 == 0 else None

    answers = Counter[int]()
    with watching(bench.stage, act) as wire:
        for _ in range(20):
            random.seed(SHORT_PAUSE)
            answers[bench.http.login(username=user.username).status_code] += 1

    assert answers == {200: 20}
    assert len(wire.tries) > len(wire.calls)


def test_dynamodb_throttling_everything_fails_closed(bench: Bench) -> None:
    user = bench.people.make()

    def act(one: Try) -> Reply | None:
        return throttled(one) if one.call.service == "dynamodb" else None

    with watching(bench.stage, act):
        response = bench.http.login(username=user.username)

    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert int(response.headers["Retry-After"]) >= 1
    assert bench.hashes.count == 0
    assert bench.http.login(username=user.username).status_code == 200


def test_counter_that_cannot_be_written_lets_nobody_in(bench: Bench) -> None:
    user = bench.people.make()

    def act(one: Try) -> Reply | None:
        return throttled(one) if one.call.operation == "UpdateItem" else None

    with watching(bench.stage, act):
        response = bench.http.login(username=user.username, scope=OFFLINE)

    assert response.status_code == 503
    assert bench.hashes.count == 0
    assert bench.families(user) == []


def test_bucket_that_never_stands_still_is_given_up(bench: Bench) -> None:
    store = AllowanceStore(bench.stage.dynamo, f"{bench.stage.prefix}attempts")

    with watching(bench.stage, condition_failed), pytest.raises(TemporarilyUnavailable, match="try again"):
        store.take(Allowance("mfa#somebody", "codes", Bucket(10, 1000)), 1)


def test_refresh_that_cannot_be_signed_consumes_no_token(bench: Bench, clock: Clock) -> None:
    user = bench.people.make()
    token = bench.http.login(username=user.username, scope=OFFLINE).json()["refresh_token"]

    def act(one: Try) -> Reply | None:
        return throttled(one) if one.call.service == "kms" else None

    for _ in range(3):
        random.seed(SHORT_PAUSE)
        with watching(bench.stage, act) as wire:
            assert bench.refresh(token).status_code == 503
        assert [one.number for one in wire.tries if one.call.service == "kms"] == [1, 2]
        clock.advance(3600)

    assert bench.refresh(token).status_code == 200
    assert len(bench.families(user)) == 1


def test_every_read_of_a_token_or_a_person_is_consistent(bench: Bench) -> None:
    user = bench.people.make()
    with watching(bench.stage) as wire:
        body = bench.http.login(username=user.username, scope=f"openid {OFFLINE}").json()
        again = bench.refresh(body["refresh_token"]).json()["refresh_token"]
        bench.http.get("/userinfo", headers={"Authorization": f"Bearer {body['access_token']}"})
        bench.http.post("/oauth/introspect", data={**BACKEND, "token": again})
        bench.http.post("/oauth/revoke", data={**BACKEND, "token": again})
        assert bench.refresh(again).status_code == 400

    reads = [call for call in wire.calls if call.operation in ("GetItem", "Query", "BatchGetItem")]
    requests = [one for call in reads for one in call.params.get("RequestItems", {"": call.params}).values()]
    assert {call.operation for call in reads} >= {"GetItem", "BatchGetItem"}
    assert all(one["ConsistentRead"] for one in requests)


def test_storm_of_identical_refreshes_makes_one_successor(bench: Bench) -> None:
    policy = {"rotation_type": "rotating", "leeway": 10, "token_lifetime": 1000, "infinite_token_lifetime": False}
    idle = {"idle_token_lifetime": 1000, "infinite_idle_token_lifetime": False}
    client_id = make_client(bench.stage, secret=SECRET, refresh_token=policy | idle)
    client = {"client_id": client_id, "client_secret": SECRET}
    user = bench.people.make()
    token = bench.http.login(username=user.username, scope=OFFLINE, **client).json()["refresh_token"]

    answers = at_once(10, lambda _: bench.refresh(token, **client))

    assert statuses(answers)[200] >= 8
    successors = {answer.json()["refresh_token"] for answer in answers if answer.status_code == 200}
    assert len(successors) == 1
    assert len(bench.families(user)) == 1
    assert bench.refresh(successors.pop(), **client).status_code == 200


def test_storm_of_right_logins_leaves_no_count_and_one_login_each(bench: Bench) -> None:
    people = [bench.people.make() for _ in range(3)]

    answers = at_once(30, lambda number: bench.http.login(username=people[number % 3].username))

    assert statuses(answers) == {200: 30}
    for user in people:
        assert bench.attempts(user.user_id) == (0, 0)
        assert bench.people.of("employees").find(user.user_id).logins_count == 10


def test_storm_of_wrong_logins_counts_every_guess_once(bench: Bench) -> None:
    user = bench.people.make()

    answers = at_once(9, lambda _: bench.http.login(username=user.username, password="wrong"))

    assert statuses(answers) == {400: 9}
    assert bench.attempts(user.user_id) == (9, 9)
    assert bench.hashes.count == 9


def test_storm_of_revocations_is_one_revocation(bench: Bench) -> None:
    user = bench.people.make()
    token = bench.http.login(username=user.username, scope=OFFLINE).json()["refresh_token"]

    answers = at_once(10, lambda _: bench.http.post("/oauth/revoke", data={**BACKEND, "token": token}))

    assert statuses(answers) == {200: 10}
    assert bench.families(user) == []


def test_two_hundred_requests_at_once_in_a_cold_process_all_pass(bench: Bench) -> None:
    bench.start(is_cold=True)
    m2m = {"client_id": "demo-m2m", "client_secret": "demo-m2m-secret"}
    params = {"grant_type": "client_credentials", "audience": TIMESHEETS, **m2m}

    assert statuses(at_once(200, lambda _: bench.http.token(params))) == {200: 200}
