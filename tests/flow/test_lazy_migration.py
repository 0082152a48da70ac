"""Lazy migration: people of a realm with `import_from` move at their first login (docs/run/moving-people.md)."""

import threading
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.legacy.migration import MOVED
from chalicelib.legacy.store import THREAD
from chalicelib.model.storage import Read
from chalicelib.store.people.counts import count_keys, total_of
from infra.stage.aws import Stage
from tests.support.calls import calls_of, rounds_of
from tests.support.faults import aws_error, failing
from tests.support.fixed import Clock, Hashes
from tests.support.http import Http, visible_parts
from tests.support.legacy import Store, client_with_legacy, import_package, importing
from tests.support.moves import WRONG, count_attempts, find_moved, is_unknown
from tests.support.people import PASSWORD, PeopleMaker
from tests.support.rules import package, require_mfa
from tests.support.stages import change_protection, client_of
from tests.support.tokens import claims_in

WAIT_S = 30


def test_first_right_password_writes_the_person_with_a_hash_and_answers_a_token(
    moving: Http, store: Store, people: PeopleMaker, clock: Clock
) -> None:
    email = store.add(name="Ann", given_name="A", app_metadata={"plan": "gold"}, user_metadata={"color": "red"})

    answer = moving.login(username=email)

    assert answer.status_code == 200
    user = find_moved(people, email)
    assert claims_in(answer.json()["access_token"])["sub"] == user.user_id
    assert (user.email, user.email_verified, user.name, user.given_name) == (email, True, "Ann", "A")
    assert (user.app_metadata, user.user_metadata) == ({"plan": "gold"}, {"color": "red"})
    assert user.password_hash.startswith("$2b$04$")
    assert (user.logins_count, user.migrated_at, user.created_at) == (1, clock.now_s(), clock.now_s())
    assert user.known_addresses
    assert moving.log[-1]["action"] == MOVED


def test_person_who_moved_logs_in_without_the_legacy_store_and_at_the_cost_of_any(
    moving: Http, store: Store, stage: Stage
) -> None:
    email = store.add()
    moving.login(username=email)
    moving.login()
    store.failure = RuntimeError("down")

    with rounds_of(stage) as of_moved:
        assert moving.login(username=email).status_code == 200
    with rounds_of(stage) as of_known:
        assert moving.login().status_code == 200

    assert store.asked == [email]
    assert of_moved.rounds == of_known.rounds == [{"BatchGetItem"}, {"GetItem", "UpdateItem"}, {"Sign", "UpdateItem"}]


def test_known_person_costs_not_one_call_more_where_a_legacy_store_is(
    moving: Http, stage: Stage, externals: wiring.Externals, store: Store
) -> None:
    with client_of(stage, externals) as plain:
        seen = []
        for http in (plain, moving):
            http.login()
            for password in (PASSWORD, "wrong"):
                with calls_of(stage) as calls:
                    http.login(password=password)
                seen.append(sorted(calls.made))

    assert seen[:2] == seen[2:]
    assert store.asked == []


@pytest.mark.parametrize("answer", [None, False])
def test_no_is_a_wrong_password_like_any_other(
    stage: Stage, externals: wiring.Externals, hashes: Hashes, answer: object, people: PeopleMaker
) -> None:
    with client_with_legacy(stage, externals, lambda *_: answer) as http:
        name = f"nobody {people.make().username}"
        # What a process reads once is read by now.
        http.login(password="wrong"), http.login(username=f"other {name}")
        hashes.count = 0
        with rounds_of(stage) as of_wrong:
            wrong = http.login(password="wrong")
        assert hashes.count == 1
        with rounds_of(stage) as of_no:
            no = http.login(username=name)
        assert hashes.count == 2

    assert visible_parts(no) == visible_parts(wrong)
    assert no.json() == WRONG
    assert of_no.rounds == of_wrong.rounds
    assert count_attempts(stage, name) == (1, 1)
    assert is_unknown(people, name)


def test_attempt_is_counted_before_the_store_is_asked(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    name, seen = f"nobody {people.make().username}", []

    def find(*_: object) -> None:
        seen.append(count_attempts(stage, name))

    with client_with_legacy(stage, externals, find) as http:
        for _ in range(2):
            http.login(username=name)

    assert seen == [(1, 0), (2, 1)]


def test_guesses_at_the_store_end_where_guesses_at_a_person_do(moving: Http, store: Store) -> None:
    email = store.add()
    statuses = [moving.login(username=email, password=f"guess {number}").status_code for number in range(15)]

    assert statuses == [400] * 10 + [429] * 5
    assert moving.login(username=email).status_code == 429
    assert len(store.asked) == 10


def test_full_address_never_reaches_the_store(
    stage: Stage, externals: wiring.Externals, store: Store, people: PeopleMaker
) -> None:
    with (
        change_protection(stage, suspicious_ip_throttling={"max_attempts": 3}),
        client_with_legacy(stage, externals, store) as http,
    ):
        statuses = [http.login(username=f"nobody {number}@old.example").status_code for number in range(6)]

    assert statuses == [400] * 3 + [429] * 3
    assert len(store.asked) == 3


def test_success_forgets_the_failures_of_the_name(moving: Http, store: Store, stage: Stage) -> None:
    email = store.add()
    moving.login(username=email, password="wrong")

    assert moving.login(username=email).status_code == 200
    assert count_attempts(stage, email) == (0, 0)


def test_blocked_person_is_written_blocked_and_told_so(moving: Http, store: Store, people: PeopleMaker) -> None:
    email = store.add(blocked=True)

    for _ in range(2):
        answer = moving.login(username=email)
        assert (answer.status_code, answer.json()["error_description"]) == (403, "user is blocked")
    assert find_moved(people, email).blocked
    assert store.asked == [email]


def test_breached_password_is_refused_after_the_move(moving: Http, store: Store, people: PeopleMaker) -> None:
    email = store.add(password="password1")

    assert moving.login(username=email, password="password1").json()["error"] == "password_leaked"
    assert find_moved(people, email).password_hash
    assert moving.login(username=email, password="password1").json()["error"] == "password_leaked"
    assert store.asked == [email]


def test_short_password_moves_as_it_is(moving: Http, store: Store) -> None:
    email = store.add(password="q9!")

    assert moving.login(username=email, password="q9!").status_code == 200
    assert moving.login(username=email, password="q9!").status_code == 200


def test_password_that_is_too_long_never_reaches_the_store(moving: Http, store: Store) -> None:
    email = store.add(password="x" * 1025)

    assert moving.login(username=email, password="x" * 1025).json() == WRONG
    assert store.asked == []


def test_unverified_email_is_asked_for_as_of_anybody(
    stage: Stage, externals: wiring.Externals, store: Store, people: PeopleMaker
) -> None:
    email = store.add(email_verified=False)
    signup = {"enabled": False, "requires_verified_email": True}
    with client_with_legacy(stage, externals, store, signup=signup) as http:
        answer = http.login(username=email)

    assert (answer.status_code, answer.json()["error"]) == (403, "unauthorized")
    assert find_moved(people, email).email_verified is False


def test_rules_and_second_factors_follow_as_at_any_login(
    stage: Stage, externals: wiring.Externals, store: Store, people: PeopleMaker
) -> None:
    email = store.add(app_metadata={"plan": "gold"})
    seen = []

    def see(user: Any, _: Any) -> None:
        seen.append((user.email, user.app_metadata, user.logins_count))

    with package(see, require_mfa) as rules, client_with_legacy(stage, externals, store, (rules,)) as http:
        answer = http.login(username=email)

    assert answer.json()["error"] == "mfa_required"
    assert seen == [(email, {"plan": "gold"}, 1)]
    assert find_moved(people, email).logins_count == 0
    assert count_attempts(stage, email)[1] == 0


def test_context_says_who_asks_from_where_and_holds_no_secret(moving: Http, store: Store) -> None:
    email = store.add()
    moving.login(username=email, device="phone")

    (context,) = store.contexts
    assert (context.client_id, context.client_name) == ("demo-backend", "Demo backend")
    assert context.connection == "employees"
    assert context.tenant
    assert context.request.ip == moving.source_ip
    assert context.request.body["device"] == "phone"
    assert context.configuration == {}
    assert PASSWORD not in repr(context)
    assert "demo-backend-secret" not in repr(context)


@pytest.mark.parametrize("failure", [ConnectionError(PASSWORD), SystemExit(1), KeyboardInterrupt(), RecursionError()])
def test_store_that_is_down_is_503_for_those_who_have_not_moved_and_for_nobody_else(
    moving: Http, store: Store, stage: Stage, failure: BaseException
) -> None:
    email = store.add()
    store.failure = failure

    answer = moving.login(username=email)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert moving.login().status_code == 200
    assert moving.login(password="wrong").status_code == 400
    assert count_attempts(stage, email) == (0, 0)
    assert f"raised {type(failure).__name__} in __call__:legacy.py" in moving.log[0]["reason"]
    assert PASSWORD not in str(moving.log)

    store.failure = None
    assert moving.login(username=email).status_code == 200


def test_outage_blocks_nobody(moving: Http, store: Store) -> None:
    email = store.add()
    store.failure = TimeoutError()
    assert {moving.login(username=email).status_code for _ in range(15)} == {503}

    store.failure = None
    assert moving.login(username=email).status_code == 200


def test_store_that_takes_too_long_is_503_and_writes_nobody(
    stage: Stage, externals: wiring.Externals, people: PeopleMaker
) -> None:
    ended, email = threading.Event(), f"slow{people.make().username}@old.example"

    def hang(*_: object) -> dict[str, str]:
        ended.wait(WAIT_S)
        return {"email": email}

    with client_with_legacy(stage, externals, hang, budget_s=0.05) as http:
        answer = http.login(username=email)
        assert http.login().status_code == 200
    ended.set()
    for thread in threading.enumerate():
        if thread.name == THREAD:
            thread.join(WAIT_S)

    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert http.log[0]["reason"].endswith("ran past its 0.05 s")
    assert is_unknown(people, email)
    assert count_attempts(stage, email) == (0, 0)


def test_package_that_is_not_listed_is_never_imported(stage: Stage, externals: wiring.Externals, store: Store) -> None:
    with import_package(store) as name, importing(stage, f"{name}:find"), client_of(stage, externals) as http:
        answer = http.login(username=store.add())
        assert http.login().status_code == 200

    assert answer.status_code == 503
    assert store.asked == []
    assert "IMPORT_PACKAGES does not list its package" in http.log[0]["reason"]


def test_write_that_fails_consumes_nothing(moving: Http, store: Store, stage: Stage, people: PeopleMaker) -> None:
    email = store.add()
    with failing(stage, "TransactWriteItems", aws_error("InternalServerError")):
        assert moving.login(username=email).status_code == 503

    assert is_unknown(people, email)
    assert count_attempts(stage, email) == (0, 0)
    assert moving.login(username=email).status_code == 200


def test_signature_that_fails_leaves_the_person_moved(moving: Http, store: Store, stage: Stage) -> None:
    email = store.add()
    with failing(stage, "Sign", aws_error("KMSInternalException")):
        assert moving.login(username=email).status_code == 503

    assert count_attempts(stage, email) == (0, 0)
    assert moving.login(username=email).status_code == 200
    assert store.asked == [email]


def test_person_who_moves_is_counted(moving: Http, store: Store, stage: Stage, people: PeopleMaker) -> None:
    users = people.of("employees").users

    def total() -> int:

        return total_of(stage.dynamo.read(Read(tuple(count_keys(users.table)), lambda items: items)))

    before = total()
    moving.login(username=store.add())
    assert total() == before + 1


def test_both_password_grants_move_people(moving: Http, store: Store) -> None:
    assert moving.realm_login("employees", username=store.add()).status_code == 200
    assert moving.login(username=store.add()).status_code == 200


def test_realm_without_a_legacy_store_asks_nobody(moving: Http, store: Store) -> None:
    assert moving.realm_login("customers", username=store.add()).json() == WRONG
    assert store.asked == []
