"""Brute-force protection of one account (docs/adr/0003), through HTTP."""

import itertools
from typing import Any

import pytest

from chalicelib.wiring import Externals
from infra.stage.aws import Stage
from infra.tenant.schema import TenantFile
from tests.support.attempts import begin_and_vanish, count_at
from tests.support.config import document_of
from tests.support.faults import aws_error, before, failing
from tests.support.fixed import Clock, Hashes
from tests.support.http import Http
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.stages import client_of, provision_stage

_numbers = itertools.count(1)
MONTH_S = 2_592_000
BLOCKED = {
    "error": "too_many_attempts",
    "error_description": "Your account has been blocked after multiple consecutive login attempts.",
}


def fail(http: Http, username: str, times: int) -> list[int]:
    return [http.login(username=username, password="wrong").status_code for _ in range(times)]


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
def test_eleventh_attempt_is_blocked_for_known_and_unknown_names_alike(
    http: Http, people: PeopleMaker, hashes: Hashes, is_known: bool
) -> None:
    username = people.make().username if is_known else "no such person"

    assert fail(http, username, 10) == [400] * 10
    response = http.login(username=username, password=PASSWORD)
    assert (response.status_code, response.json()) == (429, BLOCKED)
    assert int(response.headers["Retry-After"]) == MONTH_S
    assert hashes.count == 10
    assert http.log[-1]["event"] == "limit_wc"


def test_blocked_answer_is_immediate(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    fail(http, user.username, 11)

    assert clock.paused == []


def test_attempts_while_blocked_do_not_extend_the_block(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    fail(http, user.username, 10)
    clock.advance(1000)

    assert http.login(username=user.username).headers["Retry-After"] == str(MONTH_S - 1000)


def test_block_ends_by_itself_and_starts_anew(http: Http, people: PeopleMaker, clock: Clock) -> None:
    user = people.make()
    fail(http, user.username, 10)
    clock.advance(MONTH_S)

    assert fail(http, user.username, 10) == [400] * 10
    assert http.login(username=user.username).status_code == 429


def test_success_clears_the_count(http: Http, people: PeopleMaker) -> None:
    user = people.make()

    assert fail(http, user.username, 9) == [400] * 9
    assert http.login(username=user.username).status_code == 200
    assert fail(http, user.username, 10) == [400] * 10


def test_username_in_any_case_is_one_account(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    names = [user.username, user.username.upper(), f" {user.username.title()} "]
    for turn in range(10):
        assert fail(http, names[turn % 3], 1) == [400]

    assert [http.login(username=name).status_code for name in names] == [429] * 3


def test_other_address_is_not_blocked(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    fail(http, user.username, 10)
    http.source_ip = "10.200.0.1"

    assert http.login(username=user.username).status_code == 200


def test_forwarded_header_moves_nothing(http: Http, people: PeopleMaker) -> None:
    user = people.make()
    for number in range(10):
        http.token({"grant_type": "password", "client_id": "demo-native", "username": user.username, "password": "x"},
                   **{"X-Forwarded-For": f"192.0.2.{number}"})  # fmt: skip

    assert http.login(username=user.username).status_code == 429


def test_blocked_user_with_the_right_password_is_never_locked_out(http: Http, people: PeopleMaker) -> None:
    user = people.make(blocked=True)

    assert [http.login(username=user.username).status_code for _ in range(12)] == [403] * 12


def test_namesake_in_another_realm_is_not_blocked(http: Http, people: PeopleMaker) -> None:
    email = people.make().email
    people.make("customers", email=email)
    for _ in range(11):
        http.realm_login("employees", username=email, password="wrong")

    assert http.realm_login("employees", username=email, password=PASSWORD).status_code == 429
    assert http.realm_login("customers", username=email, password=PASSWORD).status_code == 200


def test_attempt_that_nobody_decides_is_waited_for_and_then_counts(
    http: Http, people: PeopleMaker, clock: Clock, stage: Stage
) -> None:
    user = people.make()
    fail(http, user.username, 9)
    begin_and_vanish(stage, user, http.source_ip, int(clock()))

    assert http.login(username=user.username).status_code == 429
    assert sum(clock.paused) >= 4
    clock.paused.clear()
    clock.advance(10)
    assert http.login(username=user.username).status_code == 429
    assert clock.paused == []


@pytest.mark.parametrize(
    ("changes", "statuses"),
    [
        ({"enabled": False}, [400] * 15),
        ({"allowlist": ["10.255.0.0/16"]}, [400] * 15),
        ({"allowlist": ["10.255.0.2"]}, [400] * 15),
        ({"allowlist": ["10.9.0.0/16", "2001:db8::/32"]}, [400] * 10 + [429] * 5),
        ({"max_attempts": 3}, [400] * 3 + [429] * 12),
    ],
    ids=["disabled", "network-allowed", "address-allowed", "others-allowed", "three-attempts"],
)
def test_tenant_says_who_is_counted_and_how_often(
    stage: Stage, demo: TenantFile, externals: Externals, changes: dict[str, Any], statuses: list[int]
) -> None:
    own = provision_stage(f"protected-{next(_numbers)}", demo)
    config = own.config()
    tenant = document_of(own, "tenant")
    protection = tenant["attack_protection"]
    changed = protection["brute_force_protection"] | changes
    config.put("tenant", tenant | {"attack_protection": protection | {"brute_force_protection": changed}})

    with client_of(own, externals) as client:
        client.source_ip = "10.255.0.2"
        assert [client.login(password="wrong").status_code for _ in range(15)] == statuses


def test_block_lifetime_is_the_tenants(stage: Stage, demo: TenantFile, externals: Externals, clock: Clock) -> None:
    short = {"max_attempts": 1, "block_lifetime": 60}
    protection = demo.attack_protection.model_copy(
        update={"brute_force_protection": demo.attack_protection.brute_force_protection.model_copy(update=short)}
    )
    own = provision_stage(f"protected-{next(_numbers)}", demo.model_copy(update={"attack_protection": protection}))

    with client_of(own, externals) as client:
        assert client.login(password="wrong").status_code == 400
        assert client.login().headers["Retry-After"] == "60"
        clock.advance(60)
        assert client.login().status_code == 200


@pytest.mark.parametrize("operation", ["Sign", "UpdateItem"])
def test_uncounted_login_that_aws_fails_is_given_nothing_back(
    stage: Stage, demo: TenantFile, externals: Externals, operation: str
) -> None:
    open_to_all = demo.attack_protection.brute_force_protection.model_copy(update={"enabled": False})
    protection = demo.attack_protection.model_copy(update={"brute_force_protection": open_to_all})
    own = provision_stage(f"protected-{next(_numbers)}", demo.model_copy(update={"attack_protection": protection}))

    with client_of(own, externals) as client:
        assert client.login().status_code == 200
        with failing(own, operation, aws_error("InternalServerError")):
            assert client.login().status_code == 503
        assert own.clients.dynamodb.scan(TableName=f"{own.prefix}attempts")["Items"] == []


def test_blocked_user_whose_count_cannot_be_cleared_is_not_charged(
    http: Http, people: PeopleMaker, stage: Stage
) -> None:
    user = people.make(blocked=True)
    for _ in range(12):
        with failing(stage, "UpdateItem", aws_error("InternalServerError"), times=range(1, 2)):
            assert http.login(username=user.username).status_code == 503

    assert http.login(username=user.username).status_code == 403


def test_right_password_is_given_back_though_the_login_is_refused_after_it(
    stage: Stage, demo: TenantFile, externals: Externals
) -> None:
    own = provision_stage(f"protected-{next(_numbers)}", demo, default_audience="https://api.example.com/timesheets")
    own.config().delete("api#https://api.example.com/timesheets")

    with client_of(own, externals) as client:
        answers = [client.login(audience=None) for _ in range(12)]
    assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {(400, "invalid_target")}


def test_failure_that_is_decided_after_a_success_and_another_count_is_counted(
    http: Http, people: PeopleMaker, stage: Stage
) -> None:
    user = people.make()

    def succeed_and_begin_another() -> None:
        assert http.login(username=user.username).status_code == 200

    def begin_another() -> None:
        begin_and_vanish(stage, user, http.source_ip, 0)

    # The second write of the user's item decides the attempt as failed; the third counts it anew.
    with before(stage, "UpdateItem", succeed_and_begin_another, range(1, 2), about="cred#"):
        assert http.login(username=user.username, password="wrong").status_code == 400
    with before(stage, "UpdateItem", begin_another, range(2, 3), about="cred#"):
        assert http.login(username=user.username, password="wrong").status_code == 400

    assert count_at(stage, user, http.source_ip).failed == 2


def test_two_requests_that_meet_an_ended_count_are_both_counted(
    http: Http, people: PeopleMaker, stage: Stage, clock: Clock
) -> None:
    user = people.make()
    fail(http, user.username, 10)
    clock.advance(MONTH_S)

    # The first write meets the ended count, the second begins it anew; another request comes between the two.
    def another() -> None:
        assert fail(http, user.username, 1) == [400]

    with before(stage, "UpdateItem", another, range(1, 2)):
        assert http.login(username=user.username).status_code == 200
