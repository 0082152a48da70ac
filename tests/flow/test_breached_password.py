"""A password that was disclosed in a breach, at a login (docs/run/passwords.md), through HTTP."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from chalicelib.passwords.hash import hash_password
from chalicelib.passwords.range_api import is_pwned
from chalicelib.wiring import Externals
from infra.stage.aws import Stage
from infra.tenant.protection import BreachedPasswordDetection
from infra.tenant.schema import TenantFile
from tests.support.calls import calls_of, rounds_of
from tests.support.config import document_of
from tests.support.faults import aws_error, failing
from tests.support.fixed import BCRYPT_COST, Hashes
from tests.support.http import ALICE, Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.range_api import RangeServer, serving_ranges
from tests.support.stages import client_of, provision_stage

LEAKED = "iloveyou123"
ANSWER = {
    "error": "password_leaked",
    "error_description": "This login has been blocked because your password was disclosed in a data breach.",
}
_numbers = itertools.count(1)


def imported(people: PeopleMaker, password: str = LEAKED, blocked: bool = False) -> str:
    """Make a person as an import does, which knows no password, and return the username."""
    return people.make(password=None, password_hash=hash_password(password, BCRYPT_COST), blocked=blocked).username


@pytest.mark.parametrize("password", [LEAKED, "ILoveYou123", "AUTH0-TEST-anything", "Paaf213XXYYZZ"])
def test_breached_password_is_refused(http: Http, people: PeopleMaker, password: str) -> None:
    username = imported(people, password)
    response = http.login(username=username, password=password, scope="openid offline_access")

    assert (response.status_code, response.json()) == (401, ANSWER)
    assert response.headers["Cache-Control"] == "no-store"
    assert (http.log[-1]["event"], http.log[-1]["error"]) == ("pwd_leak", "password_leaked")
    assert http.log[-1]["user"].startswith("employees|")


def test_breached_password_is_refused_by_the_realm_grant_too(http: Http, people: PeopleMaker) -> None:
    response = http.realm_login("employees", username=imported(people), password=LEAKED)

    assert (response.status_code, response.json()) == (401, ANSWER)


def test_wrong_password_of_somebody_with_a_breached_one_tells_nothing(http: Http, people: PeopleMaker) -> None:
    wrong = http.login(username=imported(people), password="iloveyou")
    unknown = http.login(username="nobody at all", password="iloveyou")

    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert wrong.content == unknown.content


def test_blocked_user_is_told_of_the_block_first(http: Http, people: PeopleMaker) -> None:
    response = http.login(username=imported(people, blocked=True), password=LEAKED)

    assert (response.status_code, response.json()["error"]) == (403, "unauthorized")


def test_breached_password_costs_nobody_an_attempt(http: Http, people: PeopleMaker) -> None:
    username = imported(people)

    assert [http.login(username=username, password=LEAKED).status_code for _ in range(12)] == [401] * 12


def test_right_password_clears_the_count_though_it_is_breached(http: Http, people: PeopleMaker) -> None:
    username = imported(people)
    for _ in range(2):
        assert [http.login(username=username, password="wrong").status_code for _ in range(9)] == [400] * 9
        assert http.login(username=username, password=LEAKED).status_code == 401


def test_aws_failure_while_the_count_is_cleared_is_not_charged(http: Http, people: PeopleMaker, stage: Stage) -> None:
    username = imported(people)
    for _ in range(12):
        with failing(stage, "UpdateItem", aws_error("InternalServerError"), times=range(1, 2)):
            assert http.login(username=username, password=LEAKED).status_code == 503

    assert http.login(username=username, password=LEAKED).status_code == 401


def test_account_that_is_blocked_by_attempts_hears_of_that_alone(http: Http, people: PeopleMaker) -> None:
    username = imported(people)
    for _ in range(10):
        http.login(username=username, password="wrong")

    assert http.login(username=username, password=LEAKED).status_code == 429


def test_new_password_opens_the_door_again(http: Http, people: PeopleMaker) -> None:
    username = imported(people)
    realm = people.of("employees")
    realm.set_password(realm.find(username), PASSWORD)

    assert http.login(username=username, password=PASSWORD).status_code == 200


def test_refusal_costs_what_a_blocked_users_costs_and_signs_nothing(
    http: Http, people: PeopleMaker, stage: Stage, hashes: Hashes
) -> None:
    http.login()
    costs = []
    for username in (imported(people), imported(people, blocked=True)):
        hashes.count = 0
        with rounds_of(stage) as calls:
            http.login(username=username, password=LEAKED)
        costs.append((calls.rounds, len(calls.made), hashes.count))

    assert costs[0] == costs[1]
    assert costs[0][0] == [{"BatchGetItem"}, {"GetItem", "UpdateItem"}, {"UpdateItem"}]


def test_password_that_is_fine_costs_no_call_more(http: Http, stage: Stage) -> None:
    http.login()
    with calls_of(stage) as calls:
        assert http.login().status_code == 200

    assert len(calls.made) == 5


def test_refused_password_is_in_no_log(http: Http, people: PeopleMaker) -> None:
    http.login(username=imported(people), password=LEAKED)

    assert LEAKED not in str(http.log)


# What the tenant has set


def stage_with(demo: TenantFile, **detection: bool) -> Stage:
    protection = demo.attack_protection.model_copy(
        update={"breached_password_detection": BreachedPasswordDetection(**detection)}
    )
    return provision_stage(f"breached-{next(_numbers)}", demo.model_copy(update={"attack_protection": protection}))


def test_breached_password_logs_in_where_detection_is_off(stage: Stage, demo: TenantFile, externals: Externals) -> None:
    own = stage_with(demo, enabled=False)
    username = imported(PeopleMaker(own, BCRYPT_COST))

    with client_of(own, externals) as client:
        assert client.login(username=username, password=LEAKED).status_code == 200


def test_stage_of_before_the_key_detects(http: Http, stage: Stage, people: PeopleMaker) -> None:
    username, document = imported(people), document_of(stage, "tenant")
    stage.config().put("tenant", {name: value for name, value in document.items() if name != "attack_protection"})
    try:
        assert http.login(username=username, password=LEAKED).status_code == 401
    finally:
        stage.config().put("tenant", document)


@pytest.fixture
def ranges() -> Iterator[RangeServer]:
    with serving_ranges() as server:
        yield server


@pytest.fixture
def asking(externals: Externals, ranges: RangeServer) -> Externals:
    """Externals whose Pwned Passwords is on this machine."""
    return replace(externals, range_api=partial(is_pwned, connect=ranges.connect))


@pytest.fixture(scope="module")
def asking_stage(stage: Stage, demo: TenantFile) -> Stage:
    return stage_with(demo, range_api=True)


def test_password_that_only_the_range_api_knows_is_refused(
    asking_stage: Stage, asking: Externals, ranges: RangeServer
) -> None:
    ranges.leak(ALICE["password"], count=1)

    with client_of(asking_stage, asking) as client:
        assert (client.login().status_code, client.login().json()) == (401, ANSWER)
        assert client.login(password="wrong").status_code == 400
    assert len(ranges.seen) == 2


def test_password_that_the_range_api_does_not_know_logs_in(
    asking_stage: Stage, asking: Externals, ranges: RangeServer
) -> None:
    with client_of(asking_stage, asking) as client:
        assert client.login().status_code == 200
    assert len(ranges.seen) == 1
    assert not client.log[-1].get("warnings")


@pytest.mark.parametrize("failure", ["silent", "refusing"])
def test_range_api_that_fails_lets_people_in_and_is_logged(
    asking_stage: Stage, asking: Externals, ranges: RangeServer, failure: str
) -> None:
    ranges.is_silent, ranges.status = failure == "silent", 503

    with client_of(asking_stage, asking) as client:
        assert client.login().status_code == 200
        assert (
            client.login(username=imported(PeopleMaker(asking_stage, BCRYPT_COST)), password=LEAKED).status_code == 401
        )
    why = {"silent": "TimeoutError", "refusing": "status 503"}[failure]
    said = f"Pwned Passwords gave no answer ({why}): the password was checked against the filter alone."
    assert (client.log[0]["event"], client.log[0]["warnings"]) == ("sepft", [said])


def test_range_api_is_not_asked_by_default(stage: Stage, asking: Externals, ranges: RangeServer) -> None:
    with client_of(stage, asking) as client:
        assert client.login().status_code == 200
    assert ranges.seen == []
